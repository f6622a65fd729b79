namespace OtlpTap.Advice.Conditions;

/// <summary>What is wrong with a condition, and where; both counted from 1.</summary>
internal readonly record struct ConditionProblem(int Line, int Column, string Message)
{
    public static ConditionProblem At(string condition, int offset, string message)
    {
        var before = condition.AsSpan(0, offset);
        return new ConditionProblem(before.Count('\n') + 1, offset - before.LastIndexOf('\n'), message);
    }
}
