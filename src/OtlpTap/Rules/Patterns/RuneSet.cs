namespace OtlpTap.Rules.Patterns;

/// <summary>A set of code points, as ascending ranges that neither touch nor overlap.</summary>
internal sealed class RuneSet
{
    public const int RuneMax = 0x10FFFF;

    public static readonly RuneSet Any = new([(0, RuneMax)]);
    public static readonly RuneSet AnyButNewline = new([(0, '\n' - 1), ('\n' + 1, RuneMax)]);
    public static readonly RuneSet Digit = new([('0', '9')]);
    public static readonly RuneSet Space = new([('\t', '\n'), ('\f', '\r'), (' ', ' ')]);
    public static readonly RuneSet Word = new([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);

    private readonly (int Low, int High)[] _ranges;

    private RuneSet((int Low, int High)[] ranges) => _ranges = ranges;

    public ReadOnlySpan<(int Low, int High)> Ranges => _ranges;

    public bool IsEmpty => _ranges.Length == 0;

    /// <summary>The only member, or -1.</summary>
    public int Single => _ranges is [var (low, high)] && low == high ? low : -1;

    public static RuneSet Of(int rune) => new([(rune, rune)]);

    /// <summary>Of ranges in any order.</summary>
    public static RuneSet Of(IEnumerable<(int Low, int High)> ranges)
    {
        var merged = new List<(int Low, int High)>();
        foreach (var (low, high) in ranges.Order())
        {
            if (merged.Count > 0 && low <= merged[^1].High + 1)
            {
                merged[^1] = (merged[^1].Low, Math.Max(merged[^1].High, high));
            }
            else
            {
                merged.Add((low, high));
            }
        }

        return new RuneSet([.. merged]);
    }

    public RuneSet Complement()
    {
        var ranges = new List<(int, int)>();
        var next = 0;
        foreach (var (low, high) in _ranges)
        {
            if (low > next)
            {
                ranges.Add((next, low - 1));
            }

            next = high + 1;
        }

        if (next <= RuneMax)
        {
            ranges.Add((next, RuneMax));
        }

        return new RuneSet([.. ranges]);
    }

    /// <summary>With all members that differ in case only.</summary>
    public RuneSet Folded()
    {
        var ranges = new List<(int, int)>(_ranges);
        foreach (var (low, high) in _ranges)
        {
            for (var rune = low; rune <= Math.Min(high, CaseFold.RuneMax); rune++)
            {
                foreach (var other in CaseFold.OthersOf(rune))
                {
                    ranges.Add((other, other));
                }
            }
        }

        return Of(ranges);
    }

    public bool Contains(int rune)
    {
        foreach (var (low, high) in _ranges)
        {
            if (rune <= high)
            {
                return rune >= low;
            }
        }

        return false;
    }
}
