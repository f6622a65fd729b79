namespace OtlpTap.Health.Windows;

/// <summary>
/// Places on a logarithmic scale, each <see cref="RelativeError"/> to both sides of its middle: a quantile read from it is
/// wrong by no more than that share of itself. The scale of DDSketch: https://www.vldb.org/pvldb/vol12/p2195-masson.pdf
/// </summary>
internal static class LatencyScale
{
    public const double RelativeError = 0.02;

    /// <summary>What is quicker counts as that; what is slower than <see cref="SecondsMax"/> as that.</summary>
    public const double SecondsMin = 0.0001;

    public const double SecondsMax = 86_400;

    private const double Gamma = (1 + RelativeError) / (1 - RelativeError);
    // By exponent and the first bits of the fraction, which are little more than one place: the first place that may be it.
    private const int FractionBits = 4;
    private const int IgnoredBits = 52 - FractionBits;
    private static readonly double[] Ends = [.. EndsTo(SecondsMax)];
    private static readonly ulong FirstCell = BitConverter.DoubleToUInt64Bits(SecondsMin) >> IgnoredBits;
    private static readonly ushort[] Firsts = [.. Enumerable.Range(0, CellOf(SecondsMax) + 1).Select(cell => FirstWithin(FirstCell + (ulong)cell))];

    /// <summary>How many places there are.</summary>
    public static readonly int Length = Ends.Length;

    public static ushort PlaceOf(double seconds)
    {
        if (!(seconds > SecondsMin))
        {
            return 0;
        }

        seconds = Math.Min(seconds, SecondsMax);
        var place = Firsts[CellOf(seconds)];
        while (seconds > Ends[place])
        {
            place++;
        }

        return place;
    }

    private static int CellOf(double seconds) => (int)((BitConverter.DoubleToUInt64Bits(seconds) >> IgnoredBits) - FirstCell);

    private static ushort FirstWithin(ulong cell)
    {
        var least = BitConverter.UInt64BitsToDouble(cell << IgnoredBits);
        return (ushort)Array.FindIndex(Ends, end => least <= end);
    }

    private static IEnumerable<double> EndsTo(double seconds)
    {
        var end = SecondsMin;
        for (var place = 0; end < seconds; place++)
        {
            end = SecondsMin * Math.Pow(Gamma, place);
            yield return end;
        }
    }

    /// <summary>The value that is no further than the error from all that fall on the place.</summary>
    public static double SecondsAt(int place) => place == 0 ? SecondsMin : SecondsMin * Math.Pow(Gamma, place) * 2 / (Gamma + 1);

    /// <summary>The smallest value that at least the share <paramref name="quantile"/> of all does not exceed.</summary>
    /// <param name="counts">By place; at least one.</param>
    public static double Quantile(ReadOnlySpan<long> counts, double quantile)
    {
        var all = 0L;
        foreach (var count in counts)
        {
            all += count;
        }

        // Of 20 the 0.95 is the 19th, though 0.95 times 20 is a little more in binary.
        var rank = Math.Max(1, (long)Math.Ceiling((quantile * all) - 1e-9));
        for (var place = 0; place < counts.Length; place++)
        {
            rank -= counts[place];
            if (rank <= 0)
            {
                return SecondsAt(place);
            }
        }

        return SecondsAt(counts.Length - 1);
    }
}
