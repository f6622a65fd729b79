using System.Globalization;
using System.Text.RegularExpressions;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>What one run of h2load says: its summary, and percentiles from its log of single requests, which the summary lacks.</summary>
internal sealed partial record H2LoadReport(long Succeeded, double RequestsPerSecond, double P50Microseconds, double P99Microseconds)
{
    /// <param name="summary">
    /// Standard output:
    /// <code>
    ///   finished in 108.20ms, 184842.88 req/s, 6.17MB/s
    ///   requests: 20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed, 0 errored, 0 timeout
    /// </code>
    /// </param>
    /// <param name="log">The log's lines: start in microseconds, HTTP status (-1 for a failed stream), duration in microseconds, with tabs between.</param>
    /// <returns>Null when the summary is missing: h2load did not run.</returns>
    public static H2LoadReport? TryParse(string summary, IEnumerable<string> log)
    {
        var rate = Rate().Match(summary);
        var succeeded = SucceededCount().Match(summary);
        if (!rate.Success || !succeeded.Success)
        {
            return null;
        }

        var latencies = Latencies(log);
        return new H2LoadReport(
            long.Parse(succeeded.Groups[1].ValueSpan, CultureInfo.InvariantCulture),
            double.Parse(rate.Groups[1].ValueSpan, CultureInfo.InvariantCulture),
            Statistics.Percentile(latencies, 0.50),
            Statistics.Percentile(latencies, 0.99));
    }

    private static double[] Latencies(IEnumerable<string> log)
    {
        var latencies = new List<double>();
        foreach (var line in log)
        {
            var fields = line.Split('\t');
            if (fields.Length >= 3 && fields[1] == "200")
            {
                latencies.Add(double.Parse(fields[2], CultureInfo.InvariantCulture));
            }
        }

        return [.. latencies.Order()];
    }

    [GeneratedRegex(@"finished in [^,]+, ([0-9.]+) req/s")]
    private static partial Regex Rate();

    [GeneratedRegex(@"([0-9]+) succeeded")]
    private static partial Regex SucceededCount();
}
