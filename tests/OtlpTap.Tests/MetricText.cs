using System.Globalization;
using System.Text;
using Prometheus;

namespace OtlpTap.Tests;

/// <summary>Reads series as a scrape would see them.</summary>
internal static class MetricText
{
    /// <param name="series">Name and labels as they stand in the text, such as <c>name{label="value"}</c>.</param>
    public static double Value(CollectorRegistry registry, string series)
    {
        foreach (var line in Of(registry).Split('\n'))
        {
            if (line.StartsWith(series + " ", StringComparison.Ordinal))
            {
                return double.Parse(line.AsSpan(series.Length + 1), CultureInfo.InvariantCulture);
            }
        }

        throw new ArgumentException($"No series {series} in:\n{Of(registry)}");
    }

    public static string Of(CollectorRegistry registry)
    {
        using var stream = new MemoryStream();
        registry.CollectAndExportAsTextAsync(stream).GetAwaiter().GetResult();
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
