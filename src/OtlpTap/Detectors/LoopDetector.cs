using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// The same call of a tool, name and arguments, three times or more, and no other result: the run goes in circles. On the step
/// around the calls. Who asks again until something changes (a poll, a retry that works in the end) gets another result some time.
/// </summary>
internal sealed class LoopDetector : IDetector
{
    /// <summary>A retry is no loop; the third time nothing new can be hoped for.</summary>
    private const int RepeatsMin = 3;

    public string Name => "loop";

    public void Examine(AgentRun run, DetectionContext context)
    {
        var groups = new Dictionary<(string Name, string Arguments), Group>();
        foreach (var call in context.Calls.All)
        {
            if (context.IsTimeOver)
            {
                return;
            }

            if (call.Name is { Length: > 0 } name && call.Arguments is not null)
            {
                Add(groups, name, call.Arguments, call.Result, call.Caller);
            }
        }

        // Where models' outputs do not show the calls, or only the last of them, the tools' own spans do.
        var spans = new Dictionary<(string Name, string Arguments), Group>();
        foreach (var tool in run.Steps)
        {
            if (tool is { Kind: StepKind.Tool, Tool: { Length: > 0 } name, Arguments: { } arguments } && !context.IsTimeOver && !IsInTool(tool, context))
            {
                Add(spans, name, arguments, tool.Result, tool);
            }
        }

        foreach (var (key, group) in spans)
        {
            if (!groups.TryGetValue(key, out var asked) || asked.Steps.Count < Math.Min(group.Steps.Count, RepeatsMin))
            {
                groups[key] = group;
            }
        }

        foreach (var ((name, arguments), group) in groups)
        {
            if (group.Steps.Count >= RepeatsMin && group.Results.Count <= 1)
            {
                Say(name, arguments, group, run, context);
            }
        }
    }

    // Client and server of one call.
    private static bool IsInTool(RunStep tool, DetectionContext context) => context.Tree.AncestorsOf(tool).Any(static ancestor => ancestor.Kind == StepKind.Tool);

    private static void Add(Dictionary<(string Name, string Arguments), Group> groups, string name, string arguments, string? result, RunStep step)
    {
        var key = (name, JsonText.Canonical(arguments));
        if (!groups.TryGetValue(key, out var group))
        {
            groups[key] = group = new Group();
        }

        group.Steps.Add(step);
        if (result is not null)
        {
            group.Results.Add(JsonText.Canonical(result));
        }
    }

    private static void Say(string name, string arguments, Group group, AgentRun run, DetectionContext context)
    {
        // Several equal calls in one answer of a model are one turn of the loop.
        var turns = group.Steps.Distinct().ToList();
        var around = turns.Count == 1 ? turns[0] : context.Tree.Around(turns) ?? turns[^1];
        if (!RunEnd.IsSaidAbove(around, context))
        {
            context.FoundAbout(around, FailureKind.PlanningError, $"\"{name.Cut(100)}\" was called {group.Steps.Count} times with the same arguments.", name, null, $"{name}({arguments})");
        }
    }

    private sealed class Group
    {
        public List<RunStep> Steps { get; } = [];

        public HashSet<string> Results { get; } = new(StringComparer.Ordinal);
    }
}
