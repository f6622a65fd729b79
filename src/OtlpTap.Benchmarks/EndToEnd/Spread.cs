namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>One figure over several rounds.</summary>
internal readonly record struct Spread(double Median, double Min, double Max)
{
    /// <param name="values">One for each round; at least one.</param>
    public static Spread Of(IReadOnlyCollection<double> values) => new(Statistics.Median(values), values.Min(), values.Max());
}
