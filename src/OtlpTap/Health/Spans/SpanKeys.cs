using System.Text;
using OtlpTap.Rules;
using OtlpTap.Runs.Dialects;

namespace OtlpTap.Health.Spans;

/// <summary>
/// The attribute keys that tell what a span is, whose, and how much: each has a place in a frame. Taken from the tables by
/// which whole runs are read (<see cref="StepKinds"/>, <see cref="StepNames"/>), so that both come to the same answer.
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
