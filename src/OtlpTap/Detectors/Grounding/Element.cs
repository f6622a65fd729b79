namespace OtlpTap.Detectors.Grounding;

internal enum ElementKind : byte
{
    Word,
    Number,
    Date,
    Time,
    Identifier,
    Address,
    Path,
}

/// <summary>A piece of text that can be held against another, whatever its format.</summary>
internal struct Element
{
    public ElementKind Kind;
    public int Start;
    public int Length;

    /// <summary>Of numbers, without sign and with its scale (4.2 million = 4,200,000).</summary>
    public double Value;

    /// <summary>Of numbers that can be read in two ways (1.250); otherwise equal to <see cref="Value"/>.</summary>
    public double Other;

    /// <summary>Half of the last place that is written.</summary>
    public double HalfPlace;

    public Unit Unit;
    public bool Worded;
    public bool Ordinal;

    /// <summary>Zero where it is not said.</summary>
    public int Year;
    public int Month;
    public int Day;

    /// <summary>Of times: minutes of the day.</summary>
    public int Minutes;

    /// <summary>Of times: it does not say which half of the day is meant.</summary>
    public bool HalfDayOpen;

    public readonly int End => Start + Length;
}
