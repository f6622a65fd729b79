using OtlpTap.Causes;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// Which of the verdicts on a whole run are causes and which only repeat one, and what recovered. The line decides the same
/// by the same code (<see cref="FailureTree"/>) of what had come by then; here everything has come, and messages can be read.
/// </summary>
/// <remarks>What a hostile run would have looked at beyond the bounds below stays a cause of its own.</remarks>
internal static class CauseAnalysis
{
    /// <summary>As on the line. A tree of them costs their square.</summary>
    private const int FailingMax = 1024;

    /// <summary>Steps, levels and parts of messages, for all verdicts of a run together: some 50 ms.</summary>
    private const int LooksMax = 1 << 20;

    /// <summary>Kinds that are read from the model's answer, so that a span around the call shows them again.</summary>
    private static readonly string[] OfTheAnswer =
        [FailureKind.Truncated, FailureKind.ContentFilter, FailureKind.Refusal, FailureKind.EmptyOutput, FailureKind.SchemaError];

    /// <summary>All of <paramref name="verdicts"/> in their order, with <see cref="Verdict.Origin"/>; behind them the marks of what recovered.</summary>
    public static IReadOnlyList<Verdict> Find(AgentRun run, IReadOnlyList<Verdict> verdicts)
    {
        var steps = new Dictionary<SpanId, RunStep>();
        foreach (var step in run.Steps)
        {
            steps.TryAdd(step.SpanId, step);
        }

        var failing = FailingOf(run, verdicts, steps);
        var tree = new FailureTree();
        foreach (var step in run.Steps)
        {
            tree.Add(new SpanPlace(step.SpanId, step.ParentId, step.StartUnixNano, step.EndUnixNano));
        }

        foreach (var span in failing.Values)
        {
            tree.Add(span);
        }

        tree.Resolve();
        var found = new List<Verdict>(verdicts.Count + 1);
        foreach (var verdict in verdicts)
        {
            found.Add(CanRepeat(verdict) && failing.TryGetValue(verdict.SpanId, out var span) ? verdict with { Origin = OriginOf(verdict, span, failing) } : verdict);
        }

        var looks = new Looks(LooksMax);
        RepeatWhatWasWritten(found, steps, looks);
        RepeatRunningOn(found, failing);
        found.AddRange(Recovery.Find(run, found, steps, looks));
        return found;
    }

    /// <summary>What people and evaluators say of a span is said of that span, whatever failed below it.</summary>
    private static bool CanRepeat(in Verdict verdict) =>
        !verdict.SpanId.IsZero
        && !FailureKind.IsMark(verdict.Failure)
        && verdict.Failure is not (FailureKind.Hallucination or FailureKind.IncompleteTrace)
        && verdict.Source is VerdictSource.Rule or VerdictSource.Detector;

    private static Dictionary<SpanId, FailingSpan> FailingOf(AgentRun run, IReadOnlyList<Verdict> verdicts, Dictionary<SpanId, RunStep> steps)
    {
        var failures = new Dictionary<SpanId, List<string>>();
        foreach (var verdict in verdicts)
        {
            if (CanRepeat(verdict))
            {
                (failures.TryGetValue(verdict.SpanId, out var kinds) ? kinds : failures[verdict.SpanId] = []).Add(verdict.Failure);
            }
        }

        var failing = new Dictionary<SpanId, FailingSpan>();
        foreach (var step in run.Steps)
        {
            if (failing.Count == FailingMax)
            {
                break;
            }

            var isFailing = failures.TryGetValue(step.SpanId, out var kinds);
            if (isFailing || step.Status == StepStatus.Error)
            {
                failing.TryAdd(step.SpanId, Read(steps[step.SpanId], kinds is null ? [] : [.. kinds.Distinct()]));
            }
        }

        return failing;
    }

    private static FailingSpan Read(RunStep step, IReadOnlyList<string> failures)
    {
        var messages = new List<string>();
        var types = new List<string>();
        FailingSpan.AddMessage(messages, step.StatusMessage);
        FailingSpan.AddType(types, step.ErrorType);
        foreach (var exception in step.Exceptions)
        {
            FailingSpan.AddMessage(messages, exception.Message);
            FailingSpan.AddType(types, exception.Type);
        }

        return new FailingSpan
        {
            SpanId = step.SpanId,
            ParentId = step.ParentId,
            Start = step.StartUnixNano,
            End = step.EndUnixNano,
            Failures = failures,
            IsError = step.Status == StepStatus.Error || step.ErrorType.Length > 0 || step.Exceptions.Count > 0,
            Messages = messages,
            Types = types,
            FinishReason = step.FinishReason ?? "",
            IsModelCall = step.Kind == StepKind.Llm,
            IsFrame = step.Kind is StepKind.Agent or StepKind.Workflow or StepKind.Step,
        };
    }

    private static SpanId OriginOf(in Verdict verdict, FailingSpan span, Dictionary<SpanId, FailingSpan> failing)
    {
        if (!span.Origin.IsZero)
        {
            return span.Origin;
        }

        // The line's word stands where its cause is one here: it has seen attributes that a run's step has not.
        return failing.TryGetValue(verdict.Origin, out var cause) && cause.IsCause ? verdict.Origin : default;
    }

    /// <summary>
    /// What a model wrote and what came of it: a tool that refuses a call, and a later model's call that is told of it, repeat
    /// the failure of the call that wrote it; an agent that passes an answer on repeats what is wrong with the answer.
    /// </summary>
    private static void RepeatWhatWasWritten(List<Verdict> verdicts, Dictionary<SpanId, RunStep> steps, Looks looks)
    {
        for (var i = 0; i < verdicts.Count && !looks.IsOver; i++)
        {
            var verdict = verdicts[i];
            if (CanRepeat(verdict) && verdict.Origin.IsZero && steps.TryGetValue(verdict.SpanId, out var step))
            {
                var origin = verdict.Failure switch
                {
                    FailureKind.PlanningError when step.Kind == StepKind.Tool => LatestCause(verdicts, steps, verdict, step, looks, (_, other) => Wrote(other, step, looks)),
                    FailureKind.PlanningError when step.Kind == StepKind.Llm && IsTold(step) => LatestCause(verdicts, steps, verdict, step, looks, (_, other) => other.Kind is StepKind.Llm or StepKind.Tool && other.EndUnixNano <= step.StartUnixNano),
                    FailureKind.ToolError when step.Kind == StepKind.Llm => LatestCause(verdicts, steps, verdict, step, looks, (other, cause) =>
                        cause.EndUnixNano <= step.StartUnixNano && (cause.Kind == StepKind.Tool || (cause.Kind == StepKind.Llm && other.Evidence.Count > 0 && other.Evidence.SequenceEqual(verdict.Evidence)))),
                    var kind when OfTheAnswer.Contains(kind) && step.Kind is not (StepKind.Llm or StepKind.Tool) => LatestCause(verdicts, steps, verdict, step, looks, (_, other) => other.Kind == StepKind.Llm && IsBelow(other, step, steps, looks)),
                    _ => default,
                };
                verdicts[i] = verdict with { Origin = origin };
            }
        }
    }

    /// <summary>
    /// That a run went on for too long shows in several ways: the same call over and over, no answer at its end, a limit that
    /// stopped it. It is one failure, of the span that was stopped, or else of the one that was found first.
    /// </summary>
    private static void RepeatRunningOn(List<Verdict> verdicts, Dictionary<SpanId, FailingSpan> failing)
    {
        var causes = verdicts.Where(verdict => verdict.Failure == FailureKind.PlanningError && verdict.Origin.IsZero && CanRepeat(verdict)).ToList();

        // A rule may have matched a log record whose span is not here.
        var stopped = causes.Where(verdict => failing.TryGetValue(verdict.SpanId, out var span) && (span.IsLimit || span.FinishReason.Contains("limit", StringComparison.OrdinalIgnoreCase))).ToList();
        var running = causes.Where(IsRunningOn).ToList();
        if (running.Count == 0 || (stopped.Count == 0 && running.Count == 1))
        {
            return;
        }

        var origin = (stopped.Count > 0 ? stopped : running)[0].SpanId;
        for (var i = 0; i < verdicts.Count; i++)
        {
            if (verdicts[i].SpanId != origin && running.Contains(verdicts[i]))
            {
                verdicts[i] = verdicts[i] with { Origin = origin };
            }
        }
    }

    private static bool IsRunningOn(Verdict verdict) =>
        verdict.Source == VerdictSource.Detector
        && (verdict.Rule.Contains("loop", StringComparison.Ordinal) || verdict.Rule.Contains("repeat", StringComparison.Ordinal)
            || verdict.Rule.Contains("unfinished", StringComparison.Ordinal) || verdict.Rule.Contains("no_answer", StringComparison.Ordinal));

    private static SpanId LatestCause(List<Verdict> verdicts, Dictionary<SpanId, RunStep> steps, in Verdict of, RunStep step, Looks looks, Func<Verdict, RunStep, bool> isCause)
    {
        RunStep? latest = null;
        foreach (var other in verdicts)
        {
            if (!looks.TryTake())
            {
                return default; // not the latest of them, for all that is known
            }

            if (other.Failure == of.Failure && other.Origin.IsZero && other.SpanId != of.SpanId && CanRepeat(other)
                && steps.TryGetValue(other.SpanId, out var cause) && cause != step && isCause(other, cause)
                && (latest is null || cause.EndUnixNano >= latest.EndUnixNano))
            {
                latest = cause;
            }
        }

        return looks.IsOver ? default : latest?.SpanId ?? default;
    }

    private static bool Wrote(RunStep model, RunStep tool, Looks looks) =>
        model.Kind == StepKind.Llm
        && model.StartUnixNano <= tool.StartUnixNano
        && model.Output.Any(message => message.Parts.Any(part => looks.TryTake() && part.Kind == PartKind.ToolCall
            && (part.CallId is { } call && tool.CallId is { } carried ? call == carried : part.ToolName is { } name && name == tool.Tool)));

    /// <summary>A model's call that asked for nothing itself: what is wrong with a call of a tool stands in what it was sent.</summary>
    private static bool IsTold(RunStep model) =>
        model.Status != StepStatus.Error && model.FinishReason is not "tool_call" && model.Output.Count > 0
        && !model.Output.Any(message => message.Parts.Any(part => part.Kind == PartKind.ToolCall));

    private static bool IsBelow(RunStep step, RunStep above, Dictionary<SpanId, RunStep> steps, Looks looks)
    {
        for (var depth = 0; depth < 128 && looks.TryTake() && steps.TryGetValue(step.ParentId, out var parent); depth++)
        {
            if (parent == above)
            {
                return true;
            }

            step = parent;
        }

        return false;
    }
}
