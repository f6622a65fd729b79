namespace OtlpTap.Advice.Effect;

/// <summary>Scores of one evaluator's metric.</summary>
internal readonly record struct Score(double Sum, long Count);
