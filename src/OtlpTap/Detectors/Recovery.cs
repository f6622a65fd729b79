using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// Tools that failed and worked when they were called again, in a run that then got its answer. The failure stays what it
/// is; the mark says that nobody was left without an answer because of it.
/// </summary>
internal static class Recovery
{
    public const string Name = "recovered";

    /// <summary>Nanoseconds.</summary>
    private const ulong ClockSlack = 5_000_000;

    /// <summary>Marks on the spans whose failure was recovered from. At most one a span.</summary>
    public static IEnumerable<Verdict> Find(AgentRun run, IReadOnlyList<Verdict> verdicts, Dictionary<SpanId, RunStep> steps, Looks looks)
    {
        var failed = verdicts.Where(verdict => verdict.Failure is not (FailureKind.Recovered or FailureKind.PositiveFeedback)).Select(verdict => verdict.SpanId).ToHashSet();
        var toolErrors = verdicts.Where(verdict => verdict.Failure == FailureKind.ToolError && verdict.Origin.IsZero).Select(verdict => verdict.SpanId).ToHashSet();
        if (toolErrors.Count == 0)
        {
            yield break;
        }

        var last = run.Steps.Where(step => step.Kind == StepKind.Llm).MaxBy(step => step.EndUnixNano);
        foreach (var step in run.Steps)
        {
            if (looks.IsOver)
            {
                yield break;
            }

            if (!toolErrors.Remove(step.SpanId))
            {
                continue;
            }

            var retried = step.Kind == StepKind.Llm ? RetriedInMessages(run, step, failed, looks) : Retried(run, step, failed, steps, looks);
            if (retried is not null && IsAnswered(last, retried, failed))
            {
                yield return new Verdict(step.SpanId, FailureKind.Recovered, Name, VerdictSource.Detector)
                {
                    Explanation = "The tool failed, and worked when it was called again.",
                };
            }
        }
    }

    /// <summary>A later span of the same tool below the same agent that did not fail.</summary>
    private static RunStep? Retried(AgentRun run, RunStep step, HashSet<SpanId> failed, Dictionary<SpanId, RunStep> steps, Looks looks) => step.Tool is null
        ? null
        : run.Steps.FirstOrDefault(other => looks.TryTake() && other.Kind == StepKind.Tool
            && other.Tool == step.Tool
            && IsAfter(other, step)
            && other.Status != StepStatus.Error
            && !failed.Contains(other.SpanId)
            && AgentOf(other, steps, looks) == AgentOf(step, steps, looks));

    /// <summary>Where tools have no spans: a later call of a model that was sent a result of the same tool, and no error.</summary>
    private static RunStep? RetriedInMessages(AgentRun run, RunStep step, HashSet<SpanId> failed, Looks looks)
    {
        var tools = LastResults(step, looks);
        return run.Steps.FirstOrDefault(other => looks.TryTake() && other.Kind == StepKind.Llm
            && IsAfter(other, step)
            && !failed.Contains(other.SpanId)
            && LastResults(other, looks).Overlaps(tools));
    }

    /// <summary>The tools whose results a model's call was sent behind the last word of the assistant.</summary>
    private static HashSet<string> LastResults(RunStep step, Looks looks)
    {
        var names = new Dictionary<string, string>();
        var last = new HashSet<string>();
        foreach (var message in step.Input)
        {
            foreach (var part in message.Parts)
            {
                if (!looks.TryTake())
                {
                    return [];
                }

                if (part is { Kind: PartKind.ToolCall, CallId: { } call, ToolName: { } called })
                {
                    names[call] = called;
                }
            }

            if (message.Role == MessageRole.Assistant)
            {
                last.Clear();
            }

            foreach (var part in message.Parts)
            {
                var name = part.ToolName ?? (part.CallId is { } call && names.TryGetValue(call, out var known) ? known : null);
                if (part.Kind == PartKind.ToolResult && name is not null)
                {
                    last.Add(name);
                }
            }
        }

        return last;
    }

    /// <summary>A model's call behind the retry, or the retry where it is one, ended well and asked for no further tool.</summary>
    private static bool IsAnswered(RunStep? last, RunStep retried, HashSet<SpanId> failed) =>
        last is not null
        && (last == retried || IsAfter(last, retried) || (last.StartUnixNano <= retried.StartUnixNano && last.EndUnixNano >= retried.EndUnixNano))
        && last.Status != StepStatus.Error
        && last.FinishReason is not "tool_call"
        && !failed.Contains(last.SpanId);

    /// <summary>Begun when the other had ended, as far as clocks tell: JavaScript starts spans by one of milliseconds and ends them by another.</summary>
    private static bool IsAfter(RunStep step, RunStep other) =>
        step.StartUnixNano >= other.StartUnixNano && step.EndUnixNano > other.EndUnixNano && step.StartUnixNano + ClockSlack >= other.EndUnixNano;

    private static SpanId AgentOf(RunStep step, Dictionary<SpanId, RunStep> steps, Looks looks)
    {
        for (var depth = 0; depth < 128 && looks.TryTake() && steps.TryGetValue(step.ParentId, out var parent); depth++)
        {
            if (parent.Kind == StepKind.Agent)
            {
                return parent.SpanId;
            }

            step = parent;
        }

        return default;
    }
}
