using System.Globalization;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>Reads a page of metrics in Prometheus' text format.</summary>
internal static class PrometheusText
{
    /// <summary>The value of a metric without labels; null when the page does not have it.</summary>
    public static double? Find(string page, string metric)
    {
        foreach (var line in page.Split('\n'))
        {
            if (line.StartsWith(metric, StringComparison.Ordinal) && line.AsSpan(metric.Length) is [' ', .. var value])
            {
                return double.Parse(value, CultureInfo.InvariantCulture);
            }
        }

        return null;
    }

    /// <summary>The sum of all series of a metric; 0 when the page has none.</summary>
    public static double Sum(string page, string metric) => page.Split('\n')
        .Where(line => line.StartsWith(metric, StringComparison.Ordinal) && line.AsSpan(metric.Length) is [' ' or '{', ..])
        .Sum(line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture));
}
