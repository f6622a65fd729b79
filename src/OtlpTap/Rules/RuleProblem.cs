namespace OtlpTap.Rules;

internal sealed record RuleProblem(string Source, int Line, int Column, string Message);
