namespace OtlpTap.Benchmarks.Steady;

/// <summary>
/// Whether memory grows: a line through the samples by least squares. Growth is what that line climbs from the first sample to the
/// last; noise is twice the standard deviation of the samples from the line.
/// </summary>
internal sealed record MemoryTrend(double GrowthBytes, double NoiseBytes, double MeanBytes)
{
    /// <summary>Of the mean: what a collector's or an allocator's habits move in minutes, and a leak of one in ten thousand requests' bytes passes.</summary>
    private const double ToleranceShare = 0.02;

    public double AllowedBytes => Math.Max(NoiseBytes, MeanBytes * ToleranceShare);

    /// <summary>Less growth than noise, or than 2 % of the mean.</summary>
    public bool IsFlat => GrowthBytes <= AllowedBytes;

    /// <param name="samples">Equally far apart, three at least.</param>
    public static MemoryTrend Of(IReadOnlyList<double> samples)
    {
        var middle = (samples.Count - 1) / 2.0;
        var mean = samples.Average();
        var slope = samples.Select((bytes, i) => (i - middle) * (bytes - mean)).Sum() / samples.Select((_, i) => (i - middle) * (i - middle)).Sum();
        var deviation = Math.Sqrt(samples.Select((bytes, i) => Math.Pow(bytes - mean - (slope * (i - middle)), 2)).Average());
        return new MemoryTrend(slope * (samples.Count - 1), 2 * deviation, mean);
    }
}
