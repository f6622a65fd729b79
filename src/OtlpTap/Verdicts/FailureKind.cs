namespace OtlpTap.Verdicts;

/// <summary>
/// The kinds of failure that the tap knows of itself; rules may name others. The names are the values of
/// <c>otlptap.failure</c>, of the label <c>failure</c> and of folders of cases.
/// </summary>
internal static class FailureKind
{
    /// <summary>A tool was called and failed, whether its span says so or its result.</summary>
    public const string ToolError = "tool_error";

    /// <summary>The model asked for what cannot be: a tool that is not offered, arguments that the tool does not take, the same call for ever.</summary>
    public const string PlanningError = "planning_error";

    /// <summary>The answer is not supported by what the model was given.</summary>
    public const string Hallucination = "hallucination";

    /// <summary>The call of the model failed.</summary>
    public const string LlmError = "llm_error";

    /// <summary>Structured output that is none, or not of the schema that was asked for.</summary>
    public const string SchemaError = "schema_error";

    public const string Truncated = "truncated";
    public const string ContentFilter = "content_filter";
    public const string Refusal = "refusal";
    public const string EmptyOutput = "empty_output";

    /// <summary>A parent that never came.</summary>
    public const string IncompleteTrace = "incomplete_trace";

    /// <summary>An evaluator found the answer bad in a way that no other kind names: off the point, unhelpful, harmful.</summary>
    public const string FailedEvaluation = "failed_evaluation";

    public const string NegativeFeedback = "negative_feedback";
    public const string ImplicitNegativeFeedback = "implicit_negative_feedback";

    /// <summary>Somebody asked for the trace to be kept, and did not say what failed.</summary>
    public const string Reported = "reported";

    /// <summary>A mark, no failure: what failed was tried again and worked.</summary>
    public const string Recovered = "recovered";

    /// <summary>A mark, no failure.</summary>
    public const string PositiveFeedback = "positive_feedback";

    /// <summary>Whether a verdict of this kind only marks a trace: it makes no case and counts as no failure.</summary>
    public static bool IsMark(string kind) => kind is Recovered or PositiveFeedback;
}
