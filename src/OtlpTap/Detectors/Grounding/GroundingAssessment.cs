namespace OtlpTap.Detectors.Grounding;

/// <summary>What sort of statement was looked for in the inputs.</summary>
internal enum ClaimKind : byte
{
    Number,
    Date,
    Time,
    Identifier,
    Address,
    Name,
    Quotation,

    /// <summary>Content words that none of the inputs has.</summary>
    Wording,

    /// <summary>An input says otherwise.</summary>
    Contradiction,
}

/// <summary>A piece of the answer that no input supports.</summary>
/// <param name="Text">As it stands in the answer.</param>
/// <param name="Weight">0 to 1: what it alone would make of the score.</param>
/// <param name="Against">Of a contradiction: what the input says; otherwise null.</param>
internal sealed record UngroundedClaim(ClaimKind Kind, string Text, double Weight, string? Against = null);

/// <summary>How far an answer is supported by what the model was given.</summary>
internal sealed record GroundingAssessment
{
    /// <summary>Nothing to hold against the answer, or nothing to hold it against.</summary>
    public static readonly GroundingAssessment NotJudged = new();

    /// <summary>False: the inputs carry no facts, were not recorded, or are larger than the budget.</summary>
    public bool Judged { get; init; }

    /// <summary>0: all is supported; 1: nothing is.</summary>
    public double Score { get; init; }

    /// <summary>How many statements were looked for.</summary>
    public int Claims { get; init; }

    /// <summary>Heaviest first.</summary>
    public IReadOnlyList<UngroundedClaim> Ungrounded { get; init; } = [];

    /// <summary>One sentence for people.</summary>
    public string Explanation { get; init; } = "";
}
