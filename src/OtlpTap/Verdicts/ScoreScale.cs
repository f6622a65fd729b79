namespace OtlpTap.Verdicts;

/// <summary>Which numbers can be scores. Senders write any double: of two near the largest even the sum is infinite, which no JSON can tell, and every mean is lost.</summary>
internal static class ScoreScale
{
    /// <summary>Far beyond any evaluator's scale, and small enough that no sum of them loses the others.</summary>
    public const double Max = 1e9;

    public static bool Has(double score) => Math.Abs(score) <= Max; // false of what is not a number
}
