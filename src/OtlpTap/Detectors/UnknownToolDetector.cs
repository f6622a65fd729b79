using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// A model called a tool that there is not: none of the names it was offered, or, where the offer is not recorded, the answer
/// says so. On the model's call. A tool that then worked was there, whatever the list says.
/// </summary>
internal sealed class UnknownToolDetector : IDetector
{
    public string Name => "unknown_tool";

    public void Examine(AgentRun run, DetectionContext context)
    {
        var offers = new Dictionary<IReadOnlyList<OfferedTool>, HashSet<string>>(ReferenceEqualityComparer.Instance);
        HashSet<string>? anywhere = null;
        foreach (var call in context.Calls.All)
        {
            if (context.IsTimeOver)
            {
                return;
            }

            if (call.Name is not { Length: > 0 } name)
            {
                continue;
            }

            if (call.Outcome == ResultKind.UnknownTool)
            {
                context.Found(call.Caller, FailureKind.PlanningError, $"The model called \"{Short(name)}\", which is no tool it has.", name, call.Result ?? "");
                continue;
            }

            // Where only some calls record the offer, that of the run stands for it.
            var offered = call.Caller.OfferedTools is { Count: > 0 } own ? NamesOf(own, offers) : anywhere ??= NamesIn(run);
            if (offered.Count > 0 && !IsOffered(name, offered) && !HasWorked(call))
            {
                context.Found(call.Caller, FailureKind.PlanningError, $"The model called \"{Short(name)}\", which is none of the {offered.Count} tools it was offered.", name);
            }
        }

        anywhere ??= NamesIn(run);
        foreach (var tool in run.Steps)
        {
            if (anywhere.Count == 0 || context.IsTimeOver)
            {
                return;
            }

            if (tool.Kind == StepKind.Tool && !context.Calls.IsAskedFor(tool) && IsOfNobody(tool, anywhere))
            {
                context.Found(tool, FailureKind.PlanningError, $"\"{Short(tool.Tool!)}\" was called, which is none of the {anywhere.Count} tools that were offered, and nothing came of it.", tool.Tool!);
            }
        }
    }

    /// <summary>A call whose asking is not recorded, carried out by nobody: it has a span and no result, and no model of the run was offered it.</summary>
    private static bool IsOfNobody(RunStep tool, HashSet<string> offered) =>
        tool.Tool is { Length: > 0 } name && !name.Contains(' ') && string.IsNullOrEmpty(tool.Result) && tool.Status != StepStatus.Error && !Executions.IsNoFailure(tool) && !IsOffered(name, offered);

    private static HashSet<string> NamesOf(IReadOnlyList<OfferedTool> tools, Dictionary<IReadOnlyList<OfferedTool>, HashSet<string>> known)
    {
        if (!known.TryGetValue(tools, out var names))
        {
            known[tools] = names = [.. tools.Select(static tool => tool.Name)];
        }

        return names;
    }

    private static HashSet<string> NamesIn(AgentRun run) => [.. run.Steps.SelectMany(static step => step.OfferedTools ?? []).Select(static tool => tool.Name)];

    // Plugins and servers stand before the name, divided by what the framework likes: "Weather-get", "functions.get", "mcp__x__get".
    private static bool IsOffered(string name, HashSet<string> offered) =>
        offered.Contains(name) || offered.Any(tool => EndsWithName(name, tool) || EndsWithName(tool, name) || IsProviders(tool));

    private static bool EndsWithName(string whole, string name) =>
        name.Length > 0 && whole.Length > name.Length && whole.EndsWith(name, StringComparison.Ordinal) && whole[whole.Length - name.Length - 1] is '.' or '-' or '_' or ':' or '/';

    // A tool of the provider's own calls under names that nobody offered.
    private static bool IsProviders(string tool) =>
        tool is "mcp" or "web_search" or "web_search_preview" or "file_search" or "code_interpreter" or "computer_use_preview" or "google_search" or "code_execution" or "bash" or "text_editor";

    private static bool HasWorked(ToolCall call) => call.Result is { Length: > 0 } && call.Outcome == ResultKind.Healthy;

    private static string Short(string name) => name.Cut(100, "…");
}
