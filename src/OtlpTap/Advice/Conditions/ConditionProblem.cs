namespace OtlpTap.Advice.Conditions;

/// <summary>What is wrong with a condition, and where; both counted from 1.</summary>
/// <param name="Unknown">The name of a value that there is none of; null for any other problem.</param>
internal readonly record struct ConditionProblem(int Line, int Column, string Message, string? Unknown = null);
