namespace OtlpTap.Evaluations;

/// <summary>What an attribute's key, or the name of an event, has to do with evaluations.</summary>
internal enum KeyMeaning : byte
{
    None,

    /// <summary>Part of an evaluation.</summary>
    Evaluation,

    /// <summary>Part of one if its value is the name of an evaluation event.</summary>
    EventName,

    /// <summary>The item is an evaluation if its value names such a kind.</summary>
    Kind,

    /// <summary>A number under it may be a score: <c>reportCustomMetric</c> and what the operator names.</summary>
    CustomMetric,
    ResponseId,
    SessionId,
    Operation,
}

/// <summary>
/// The keys that evaluations are made of and found by. Every attribute of every log record comes by here once, behind the tee,
/// so the first byte turns most away.
/// </summary>
internal static class EvaluationKeys
{
    /// <summary>What the keys of evaluations start with.</summary>
    public static readonly string[] Starts = ["evaluations.", "annotations.", "trace.evaluations.", "trace.annotations.", "session.evaluations.", "session.annotations.", "gen_ai.evaluation."];

    public static KeyMeaning Of(ReadOnlySpan<byte> key)
    {
        if (key.Length < 8)
        {
            return KeyMeaning.None;
        }

        switch (key[0])
        {
            case (byte)'g':
                return Generic(key);
            case (byte)'e':
                return key.StartsWith("evaluations."u8) ? KeyMeaning.Evaluation : key.SequenceEqual("event.name"u8) ? KeyMeaning.EventName : KeyMeaning.None;
            case (byte)'a':
                return key.StartsWith("annotations."u8) ? KeyMeaning.Evaluation
                    : key.SequenceEqual("ai.response.id"u8) ? KeyMeaning.ResponseId
                    : key.SequenceEqual("ai.telemetry.metadata.sessionId"u8) ? KeyMeaning.SessionId
                    : KeyMeaning.None;
            case (byte)'t':
                return key.StartsWith("trace.evaluations."u8) || key.StartsWith("trace.annotations."u8) ? KeyMeaning.Evaluation
                    : key.SequenceEqual("traceloop.association.properties.session_id"u8) || key.SequenceEqual("thread_id"u8) ? KeyMeaning.SessionId
                    : KeyMeaning.None;
            case (byte)'s':
                return key.SequenceEqual("session.id"u8) ? KeyMeaning.SessionId
                    : key.StartsWith("session.evaluations."u8) || key.StartsWith("session.annotations."u8) ? KeyMeaning.Evaluation
                    : KeyMeaning.None;
            case (byte)'l':
                return key.SequenceEqual("logfire.span_type"u8) || key.SequenceEqual("langfuse.observation.type"u8) ? KeyMeaning.Kind
                    : key.SequenceEqual("langfuse.session.id"u8) || key.SequenceEqual("langsmith.metadata.session_id"u8) || key.SequenceEqual("langsmith.metadata.thread_id"u8) || key.SequenceEqual("langsmith.metadata.conversation_id"u8) ? KeyMeaning.SessionId
                    : KeyMeaning.None;
            case (byte)'m':
                return key.SequenceEqual("mlflow.spanType"u8) ? KeyMeaning.Kind
                    : key.SequenceEqual("microsoft.custom_event.name"u8) ? KeyMeaning.EventName
                    : key.SequenceEqual("mlflow.trace.session"u8) || key.SequenceEqual("mastra.metadata.sessionId"u8) ? KeyMeaning.SessionId
                    : KeyMeaning.None;
            case (byte)'o':
                return key.SequenceEqual("openinference.span.kind"u8) ? KeyMeaning.Kind : KeyMeaning.None;
            default:
                return KeyMeaning.None;
        }
    }

    /// <summary>Names of events, and values that name them.</summary>
    public static bool IsEvent(ReadOnlySpan<byte> name) => name.StartsWith("gen_ai.evaluation."u8);

    /// <summary>Values of <see cref="KeyMeaning.Kind"/> that make their span an evaluation; MLflow quotes its own.</summary>
    public static bool IsEvaluationKind(ReadOnlySpan<byte> value) =>
        value.SequenceEqual("annotation"u8) || value.SequenceEqual("evaluator"u8) || value.SequenceEqual("guardrail"u8)
        || value.SequenceEqual("EVALUATOR"u8) || value.SequenceEqual("\"EVALUATOR\""u8)
        || value.SequenceEqual("GUARDRAIL"u8) || value.SequenceEqual("\"GUARDRAIL\""u8);

    /// <summary>Values of <c>gen_ai.operation.name</c> whose span is a call of a model.</summary>
    public static bool IsModelOperation(ReadOnlySpan<byte> value) =>
        value.SequenceEqual("chat"u8) || value.SequenceEqual("generate_content"u8) || value.SequenceEqual("text_completion"u8);

    /// <summary>Whether spans with such a key are an agent's, and not a web server's in which somebody wrote down a result.</summary>
    public static bool IsAgents(ReadOnlySpan<byte> key) =>
        (key.StartsWith("gen_ai."u8) && !key.StartsWith("gen_ai.evaluation."u8))
        || key.StartsWith("llm."u8) || key.StartsWith("openinference."u8) || key.StartsWith("traceloop."u8) || key.StartsWith("ai.operationId"u8)
        || key.StartsWith("langfuse.observation."u8) || key.StartsWith("langsmith.span."u8) || key.StartsWith("mlflow.span"u8)
        || key.StartsWith("mastra."u8) || key.StartsWith("genkit:"u8) || key.StartsWith("gcp.vertex.agent."u8);

    private static KeyMeaning Generic(ReadOnlySpan<byte> key)
    {
        if (!key.StartsWith("gen_ai."u8))
        {
            return key.SequenceEqual("guardrail.triggered"u8) ? KeyMeaning.Evaluation
                : key.SequenceEqual("gcp.vertex.agent.session_id"u8) ? KeyMeaning.SessionId
                : KeyMeaning.None;
        }

        return key.StartsWith("gen_ai.evaluation."u8) || key.SequenceEqual("gen_ai.guardrail.status"u8) ? KeyMeaning.Evaluation
            : key.SequenceEqual("gen_ai.response.id"u8) ? KeyMeaning.ResponseId
            : key.SequenceEqual("gen_ai.conversation.id"u8) ? KeyMeaning.SessionId
            : key.SequenceEqual("gen_ai.operation.name"u8) ? KeyMeaning.Operation
            : KeyMeaning.None;
    }
}
