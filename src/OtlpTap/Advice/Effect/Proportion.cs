namespace OtlpTap.Advice.Effect;

/// <summary>An interval of real numbers, ends included.</summary>
internal readonly record struct Interval(double Low, double High)
{
    public bool Contains(double value) => value >= Low && value <= High;
}

/// <summary>So many of so many.</summary>
internal readonly record struct Proportion(long Successes, long Count)
{
    /// <summary>The normal distribution's point that leaves 2.5 % on each side: intervals of 95 %.</summary>
    public const double Z = 1.959963984540054;

    /// <summary>0 to 1; not a number where nothing was counted.</summary>
    public double Share => (double)Successes / Count;

    /// <summary>
    /// Wilson's score interval: unlike the usual one it stays within 0 and 1 and holds its 95 % for few runs and for shares near the ends.
    /// Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927), 209-212.
    /// </summary>
    public Interval Wilson()
    {
        if (Count == 0)
        {
            return new Interval(0, 1);
        }

        var middle = (2 * Successes) + (Z * Z);
        var spread = Z * Math.Sqrt((Z * Z) + (4 * Successes * (1 - Share)));
        var scale = 2 * (Count + (Z * Z));
        return new Interval(Math.Max(0, (middle - spread) / scale), Math.Min(1, (middle + spread) / scale));
    }

    /// <summary>
    /// The 95 % interval of <c>this - other</c>: Newcombe's hybrid score interval, his method 10.
    /// Source: R. G. Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven
    /// methods, Statistics in Medicine 17 (1998), 873-890.
    /// </summary>
    public Interval MinusInterval(in Proportion other)
    {
        if (Count == 0 || other.Count == 0)
        {
            return new Interval(-1, 1);
        }

        var (mine, others) = (Wilson(), other.Wilson());
        var difference = Share - other.Share;
        return new Interval(
            difference - Length(Share - mine.Low, others.High - other.Share),
            difference + Length(mine.High - Share, other.Share - others.Low));
    }

    private static double Length(double a, double b) => Math.Sqrt((a * a) + (b * b));
}
