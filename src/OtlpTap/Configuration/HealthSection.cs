using OtlpTap.Health;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.health</c>.</summary>
internal static class HealthSection
{
    public static HealthOptions Read(Section section)
    {
        var defaults = new HealthOptions();
        var options = new HealthOptions
        {
            IsEnabled = section.Flag("enabled", defaults.IsEnabled),
            SeriesMax = section.Number("max_series", defaults.SeriesMax, 16, 1_000_000),
            BytesMax = section.Mebibytes("max_mib", defaults.BytesMax, 1, 4096),
        };
        section.RefuseUnknownKeys();
        return options;
    }
}
