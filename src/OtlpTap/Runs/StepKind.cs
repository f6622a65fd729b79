namespace OtlpTap.Runs;

/// <summary>What a span is in an agent's run, whatever its instrumentation calls it.</summary>
internal enum StepKind : byte
{
    /// <summary>Anything else: HTTP, a database, a span of the application's own.</summary>
    Other,
    Workflow,
    Agent,

    /// <summary>One turn of an agent's loop: a step, a cycle, a node, the orchestration of tools.</summary>
    Step,

    /// <summary>A call of a model.</summary>
    Llm,
    Tool,
    Retrieval,
    Embedding,
    Guardrail,
    Evaluator,
}

/// <summary>How a span says it ended.</summary>
internal enum StepStatus : byte
{
    Unset,
    Ok,
    Error,
}
