using OtlpTap.Otlp;

namespace OtlpTap.Runs;

/// <summary>One trace as an agent's run: its steps in the order in which they started, and what was said.</summary>
internal sealed class AgentRun(TraceId traceId, IReadOnlyList<RunStep> steps)
{
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

    /// <summary>The step of an id, or null.</summary>
    public RunStep? Find(SpanId id) => Steps.FirstOrDefault(step => step.SpanId == id);
}
