using OtlpTap.Advice.Effect;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.advice.effect</c>.</summary>
internal static class EffectSection
{
    public static EffectOptions Read(Section effect)
    {
        var defaults = new EffectOptions();
        var options = new EffectOptions
        {
            IsEnabled = effect.Flag("enabled", defaults.IsEnabled),
            Settle = effect.Duration("settle", defaults.Settle, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            Window = effect.Duration("window", defaults.Window, TimeSpan.FromHours(1), TimeSpan.FromDays(7)),
            RunsMin = effect.Number("min_runs", defaults.RunsMin, 5, 100_000),
            RunBytesMax = effect.Mebibytes("max_mib", defaults.RunBytesMax, 1, 4096),
        };
        effect.RefuseUnknownKeys();
        return options;
    }
}
