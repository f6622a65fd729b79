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
/// <param name="Tool">Of a contradiction: whose result says so, where that is known.</param>
internal sealed record UngroundedClaim(ClaimKind Kind, string Text, double Weight, string? Against = null, string? Tool = null);

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

    /// <summary>Every tool failed, and nothing else was given to answer from.</summary>
    public bool NothingGiven { get; init; }

    /// <summary>
    /// The claim that stands for all: of those that weigh half as much as the heaviest or more, the one whose kind comes
    /// first. Weights depend on values a little, kinds do not: so another run that fails alike has the same kind.
    /// Null where nothing is held against the answer.
    /// </summary>
    public UngroundedClaim? Leading => Ungrounded.Count == 0 ? null : Ungrounded.Where(claim => claim.Weight >= Ungrounded[0].Weight / 2).MinBy(claim => Array.IndexOf(Order, claim.Kind));

    private static readonly ClaimKind[] Order =
    [
        ClaimKind.Contradiction, ClaimKind.Identifier, ClaimKind.Address, ClaimKind.Date, ClaimKind.Time,
        ClaimKind.Number, ClaimKind.Quotation, ClaimKind.Name, ClaimKind.Wording,
    ];

    /// <summary>One sentence for people.</summary>
    public string Explanation { get; init; } = "";
}
