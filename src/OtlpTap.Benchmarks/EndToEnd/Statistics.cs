namespace OtlpTap.Benchmarks.EndToEnd;

internal static class Statistics
{
    /// <summary>The middle value; the mean of the two middle ones for an even count. NaN for none.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length switch
        {
            0 => double.NaN,
            var n when n % 2 == 1 => sorted[middle],
            _ => (sorted[middle - 1] + sorted[middle]) / 2,
        };
    }

    /// <summary>The smallest value that at least the given share of all values does not exceed (nearest rank). NaN for none.</summary>
    public static double Percentile(ReadOnlySpan<double> sorted, double share) =>
        sorted.IsEmpty ? double.NaN : sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
}
