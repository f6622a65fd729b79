namespace OtlpTap.Advice.Conditions;

/// <summary>What is wrong with a condition, and where; both counted from 1.</summary>
internal readonly record struct ConditionProblem(int Line, int Column, string Message);
