using OtlpTap.Otlp;

namespace OtlpTap.Runs;

/// <summary>One trace as an agent's run: its steps in the order in which they started, and what was said.</summary>
internal sealed class AgentRun(TraceId traceId, IReadOnlyList<RunStep> steps)
{
    private readonly Lazy<Dictionary<SpanId, RunStep>> _byId = new(() => steps.DistinctBy(step => step.SpanId).ToDictionary(step => step.SpanId));

    public TraceId TraceId { get; } = traceId;

    /// <summary>By start time; of equal ones a parent before its children.</summary>
    public IReadOnlyList<RunStep> Steps { get; } = steps;

    /// <summary>What the user asked: the last user message of the earliest input; null where no content was recorded.</summary>
    public string? UserInput { get; init; }

    public string? SystemPrompt { get; init; }

    /// <summary>The last word of the run to the user; null where none was given or recorded.</summary>
    public string? FinalAnswer { get; init; }

    /// <summary>Which step gave the final answer: the model's call.</summary>
    public RunStep? AnsweringStep { get; init; }

    /// <summary>The first session and user that a step names.</summary>
    public string? Session { get; init; }

    public string? User { get; init; }

    /// <summary>Some step has messages, arguments, results or documents: without, a run holds structure only and cannot be told again.</summary>
    public bool HasContent { get; init; }

    /// <summary>In the order in which they were asked for.</summary>
    public IReadOnlyList<ToolCall> ToolCalls { get; init; } = [];

    /// <summary>Something lay beyond <see cref="RunLimits"/> and was left out.</summary>
    public bool IsCut { get; init; }

    /// <summary>The step of an id, or null.</summary>
    public RunStep? Find(SpanId id) => _byId.Value.GetValueOrDefault(id);
}
