using System.Text;
using OtlpTap.Rules;
using OtlpTap.Runs.Dialects;

namespace OtlpTap.Spans;

/// <summary>
/// The attribute keys that tell what a span is, whose, how much, and by what others refer to it: each has a place in a frame.
/// The first are taken from the tables by which whole runs are read (<see cref="StepKinds"/>, <see cref="StepNames"/>), so that
/// both come to the same answer.
/// </summary>
internal static class SpanKeys
{
    /// <summary>As many bits as <see cref="SpanFrame"/> has for what is there.</summary>
    public const int CountMax = 128;

    private static readonly List<string> Names = [];

    // First, so that what says the kind has the lowest places, in the order in which it is asked.
    public static readonly int[] Kinds = Places([.. StepKinds.Attributes.Select(row => row.Key)]);
    public static readonly int[] Marks = Places([.. StepKinds.Marks.Select(row => row.Key)]);
    public static readonly int[] GraphNames = Places(StepKinds.GraphNameKeys);
    public static readonly int[] Agents = Places(StepNames.AgentKeys);
    public static readonly int[] WorkflowNames = Places(StepNames.WorkflowNameKeys);
    public static readonly int[] AgentNames = Places(StepNames.AgentNameKeys);
    public static readonly int[] NamedBySpan = Places(StepNames.NamedBySpanKeys);
    public static readonly int[] Tools = Places(StepNames.ToolKeys);
    public static readonly int[] ToolArguments = Places(ToolValues.ArgumentKeys);
    public static readonly int[] Models = Places(StepNames.ModelKeys);
    public static readonly int[] InputTokens = Places(StepNames.InputTokenKeys);
    public static readonly int[] OutputTokens = Places(StepNames.OutputTokenKeys);
    public static readonly int[] Usages = Places(StepNames.UsageKeys);
    public static readonly int McpMethod = Place("mcp.method.name");
    public static readonly int GenkitType = Place("genkit:type");
    public static readonly int LogfireSpanType = Place("logfire.span_type");
    public static readonly int MlflowInputs = Place("mlflow.spanInputs");
    public static readonly int GenkitOutput = Place("genkit:output");
    public static readonly int Fallback = Place(FallbackAttributes.Fallback);
    public static readonly int FallbackReason = Place(FallbackAttributes.Reason);
    public static readonly int AdviceId = Place(FallbackAttributes.AdviceId);
    public static readonly int Failure = Place("otlptap.failure");
    public static readonly int Operation = Place("gen_ai.operation.name");
    public static readonly int[] Responses = Places(["gen_ai.response.id", "ai.response.id"]);

    public static readonly int[] Sessions = Places([
        "gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id", "langfuse.session.id", "langsmith.metadata.session_id",
        "langsmith.metadata.thread_id", "langsmith.metadata.conversation_id", "thread_id", "mlflow.trace.session", "mastra.metadata.sessionId",
        "ai.telemetry.metadata.sessionId", "gcp.vertex.agent.session_id"]);

    public static readonly int[] EventNames = Places(["event.name", "microsoft.custom_event.name"]);

    /// <summary>Of which some values make their span an evaluator's or a guard's.</summary>
    public static readonly int[] EvaluatorKinds = Places(["logfire.span_type", "langfuse.observation.type", "mlflow.spanType", "openinference.span.kind"]);

    public static readonly int[] GuardResults = Places(["guardrail.triggered", "gen_ai.guardrail.status"]);

    public static readonly SlotKeys Table = new([.. Names.Select((name, place) => (Encoding.UTF8.GetBytes(name), place))]);

    public static string NameOf(int place) => Names[place];

    private static int[] Places(string[] names) => [.. names.Select(Place)];

    private static int Place(string name)
    {
        var place = Names.IndexOf(name);
        if (place >= 0)
        {
            return place;
        }

        Names.Add(name);
        return Names.Count <= CountMax ? Names.Count - 1 : throw new InvalidOperationException("More keys than a frame has places.");
    }
}
