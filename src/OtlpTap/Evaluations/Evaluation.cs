using OtlpTap.Otlp;

namespace OtlpTap.Evaluations;

/// <summary>Who evaluated, as far as the telemetry says.</summary>
internal enum Evaluator : byte
{
    /// <summary>A model, code, or nobody knows.</summary>
    Machine,

    /// <summary>A person: a user of the answer or somebody who reviewed it.</summary>
    Human,
}

/// <summary>What an evaluation speaks of.</summary>
internal enum EvaluationScope : byte
{
    Span,
    Trace,
    Session,
}

/// <summary>Which end of a metric's scale is the good one.</summary>
internal enum GoodEnd : byte
{
    Unknown,
    High,
    Low,
}

/// <summary>One result of one evaluation, in one form whatever it came as. Texts are cut to <see cref="TextLengthMax"/>.</summary>
internal sealed record Evaluation
{
    /// <summary>What a person reads of an explanation; also what a flood of them may cost while they wait.</summary>
    public const int TextLengthMax = 1024;

    /// <summary>The metric's name as it came.</summary>
    public required string Metric { get; init; }

    public double? Score { get; init; }

    public string? Label { get; init; }

    public string? Explanation { get; init; }

    public Evaluator Evaluator { get; init; }

    public EvaluationScope Scope { get; init; }

    /// <summary>Somebody's opinion of the answer by the very form it came in, whatever the metric is called.</summary>
    public bool IsFeedback { get; init; }

    /// <summary>A log record <c>gen_ai.evaluation.result</c>, as conventions have it: who reads logs has it.</summary>
    public bool IsRecord { get; init; }

    /// <summary>A guard rail's result: what it stops is no failed check but its work.</summary>
    public bool IsGuard { get; init; }

    /// <summary>The evaluator failed: <c>error.type</c>, and neither score nor label.</summary>
    public bool HasFailed { get; init; }

    /// <summary>The sender says which end is good.</summary>
    public GoodEnd Good { get; init; }

    /// <summary>The sender says from where on it is good.</summary>
    public double? Threshold { get; init; }

    /// <summary>The sender says what the scale is.</summary>
    public double? Min { get; init; }

    public double? Max { get; init; }

    public EvaluationTarget Target { get; init; }

    /// <summary>What it costs to keep: bytes, about.</summary>
    public int Size => 256 + (2 * (Metric.Length + (Label?.Length ?? 0) + (Explanation?.Length ?? 0)));
}

/// <summary>How an evaluation says which span it speaks of.</summary>
/// <param name="TraceId">Zero where it names none.</param>
/// <param name="SpanId">Zero: the trace as a whole.</param>
/// <param name="IsCertain">Named by a link, by parentage or by being the span itself; else it is merely the context in which the result was written.</param>
/// <param name="Response">Mark of the <c>gen_ai.response.id</c> it names, 0 where it names none; see <see cref="ReferenceTable.MarkOf"/>.</param>
/// <param name="Session">Mark of the session or conversation it names, 0 where it names none.</param>
internal readonly record struct EvaluationTarget(TraceId TraceId, SpanId SpanId, bool IsCertain, ulong Response, ulong Session);
