using System.Diagnostics.CodeAnalysis;

namespace OtlpTap.Health;

/// <summary>What a value is about, which also tells at which scopes it can be read.</summary>
internal enum HealthSubject : byte
{
    /// <summary>Calls of tools: <c>tool.</c></summary>
    Tool,

    /// <summary>Calls of models: <c>llm.</c></summary>
    Llm,

    /// <summary>Runs, by their root or agent span: <c>run.</c></summary>
    Run,

    /// <summary>Runs with a failure of one kind: <c>hallucination.</c>, <c>refusal.</c>, any kind.</summary>
    Failure,

    /// <summary>What users said and showed: <c>feedback.</c></summary>
    Feedback,

    /// <summary>Scores of evaluators: <c>evaluation.&lt;metric&gt;.</c></summary>
    Evaluation,

    /// <summary>Scores of the tap's own check of answers: <c>grounding.</c></summary>
    Grounding,

    /// <summary><c>tokens.</c></summary>
    Tokens,
}

internal enum HealthMeasure : byte
{
    /// <summary>How many.</summary>
    Count,

    /// <summary>How many failed.</summary>
    Errors,

    /// <summary>Failed ones of all, 0 to 1.</summary>
    ErrorRatio,

    /// <summary>Seconds, with <see cref="HealthValue.Quantile"/>.</summary>
    Latency,

    Mean,
    Sum,

    /// <summary>Of feedback: negative of all that has a direction, 0 to 1.</summary>
    NegativeRatio,
    NegativeCount,
}

internal enum HealthWindow : byte
{
    Minute,
    FiveMinutes,
    Hour,
}

/// <summary>
/// A value of a window, by the name that policies, the API and the pages use:
/// <code>
///   tool.calls_1m  tool.errors_1m  tool.errors.ratio_5m  tool.latency.p95_5m      the same of llm. and run.
///   llm.errors.content_filter_5m   llm.errors.content_filter.ratio_5m             one kind of failure
///   hallucination.count_1h  hallucination.ratio_1h                                runs with it, of all runs
///   feedback.count_1h  feedback.negative_1h  feedback.negative.ratio_1h
///   evaluation.relevance.mean_1h  evaluation.relevance.count_1h  grounding.mean_1h
///   tokens.input_1m  tokens.output_1m  tokens.total_1m
/// </code>
/// Windows: <c>1m</c>, <c>5m</c>, <c>1h</c>. Quantiles: p50, p90, p95, p99. Latency is in seconds.
/// </summary>
/// <param name="Name">The kind of failure, the evaluator's metric, or the direction of tokens; empty where the subject has none.</param>
internal readonly record struct HealthValue(HealthSubject Subject, HealthMeasure Measure, HealthWindow Window, string Name, double Quantile)
{
    /// <param name="error">What is wrong with it, and the nearest name.</param>
    public static bool TryParse(string name, out HealthValue value, [NotNullWhen(false)] out string? error) => HealthValueNames.TryParse(name, out value, out error);

    /// <summary>The name, by which <see cref="TryParse"/> finds it again.</summary>
    public override string ToString() => HealthValueNames.Of(this);
}
