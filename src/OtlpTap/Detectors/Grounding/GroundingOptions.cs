namespace OtlpTap.Detectors.Grounding;

internal sealed record GroundingOptions
{
    /// <summary>From which score on an answer counts as a hallucination; above 0, at most 1.</summary>
    public double Threshold { get; init; } = 0.5;

    /// <summary>Characters of all inputs that are read. What has more is not judged: what was not read might support the answer.</summary>
    public int InputCharactersMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>Characters of the answer that are read; what follows is taken as supported.</summary>
    public int AnswerCharactersMax { get; init; } = 64 * 1024;

    /// <summary>Statements of an answer that are looked for.</summary>
    public int ClaimsMax { get; init; } = 512;

    /// <summary>Numbers of the inputs that are kept, 16 bytes each. Where there are more, numbers are not judged.</summary>
    public int NumbersMax { get; init; } = 1_000_000;
}
