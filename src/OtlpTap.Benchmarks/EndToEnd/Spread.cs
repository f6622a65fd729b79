using System.Globalization;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>One figure over several rounds.</summary>
internal readonly record struct Spread(double Median, double Min, double Max)
{
    /// <param name="values">One for each round; at least one.</param>
    public static Spread Of(IReadOnlyCollection<double> values) => new(Statistics.Median(values), values.Min(), values.Max());

    /// <summary>The median, and in parentheses from where to where.</summary>
    /// <param name="format">For each of the three numbers.</param>
    public string ToText(string format) => $"{Text(Median, format)} ({Text(Min, format)}-{Text(Max, format)})";

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
