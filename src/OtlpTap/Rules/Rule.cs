namespace OtlpTap.Rules;

/// <summary>What a rule's condition is evaluated on, in OTTL's words.</summary>
internal enum RuleContext : byte
{
    Span,
    SpanEvent,
    Log,
}

/// <summary>A rule as the operator or a pack wrote it.</summary>
/// <param name="Name">Unique among the rules in force; the value that <c>otlptap.rules</c> and the <c>rule</c> label carry.</param>
/// <param name="Failure">The kind of failure (<c>tool_error</c>, <c>llm_error</c>, ... or the user's own).</param>
/// <param name="Condition">OTTL.</param>
/// <param name="Tag">Whether the span or log record is tagged on its way upstream.</param>
/// <param name="Tee">Whether the trace becomes a case.</param>
/// <param name="Metric">Whether the match is counted.</param>
/// <param name="Source">Where it stands, for messages: <c>file:line</c>, or the pack's name and line.</param>
/// <param name="Description">What a match means, for people.</param>
/// <param name="IsEnabled">False: the rule is not in force, and neither is a pack's rule of its name; nothing but the name counts then.</param>
internal sealed record Rule(
    string Name,
    string Failure,
    RuleContext Context,
    string Condition,
    bool Tag = true,
    bool Tee = true,
    bool Metric = true,
    string Source = "",
    string Description = "",
    RuleSeverity Severity = RuleSeverity.Error,
    bool IsEnabled = true)
{
    /// <summary>Attributes to add beside the tap's own where the rule tags.</summary>
    public RuleAttribute[] Added { get; init; } = [];

    /// <summary>A condition that is true when any of these is.</summary>
    public static string AnyOf(IReadOnlyList<string> conditions) => conditions.Count == 1 ? conditions[0] : string.Join(" or ", conditions.Select(condition => $"({condition})"));
}
