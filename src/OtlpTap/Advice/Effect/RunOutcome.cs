using OtlpTap.Runs;

namespace OtlpTap.Advice.Effect;

/// <summary>
/// Whether a run succeeded: its root and its outermost agents ended without a failure, nobody complained, and no step is left
/// failing. A step is not left failing when it was tried again and worked, or when the run took a fallback after it: then it is
/// the fallback, and what came of it, that counts.
/// </summary>
internal static class RunOutcome
{
    /// <summary>JavaScript starts spans by one clock of milliseconds and ends them by another.</summary>
    private const ulong ClockSlack = 5_000_000;

    public static bool IsSuccess(RunRecord run)
    {
        var failing = FailingOf(run);
        return !run.HasMoreFailures
            && !run.Late.Exists(late => late.IsOpinion || late.SpanId.IsZero)
            && failing.TrueForAll(step => IsPassedOver(run, failing, step));
    }

    /// <summary>The failing step that a fallback replaces: the last that had ended when it began. Null: nothing had failed.</summary>
    public static OutcomeStep? ReplacedBy(RunRecord run, in FallbackStep fallback) => Last(FailingOf(run), fallback);

    /// <summary>Tools and models that failed, each once.</summary>
    public static IEnumerable<(StepKind Kind, string Name)> FailedSteps(RunRecord run) =>
        FailingOf(run).Where(step => step.Kind is StepKind.Tool or StepKind.Llm && step.Name.Length > 0).Select(step => (step.Kind, step.Name)).Distinct();

    // Those of the line, and those that were found behind it where their span is known.
    private static List<OutcomeStep> FailingOf(RunRecord run)
    {
        var failing = run.Steps.FindAll(step => step.IsFailing);
        foreach (var late in run.Late)
        {
            if (!late.IsOpinion && !late.SpanId.IsZero)
            {
                var known = run.Steps.Find(step => step.SpanId == late.SpanId);
                failing.RemoveAll(step => step.SpanId == late.SpanId);
                failing.Add((known.SpanId.IsZero ? FromVerdict(late) : known) with { IsFailing = true, IsRepeated = false });
            }
        }

        return failing;
    }

    // Without a time it is after every fallback, so that none replaces it.
    private static OutcomeStep FromVerdict(in LateFailure late)
    {
        var end = late.Judged is { EndUnixNano: > 0 and var known } ? known : ulong.MaxValue;
        return late.Judged switch
        {
            { Tool: { Length: > 0 } tool } => new OutcomeStep(late.SpanId, StepKind.Tool, tool, end, end),
            { Model: { Length: > 0 } model } => new OutcomeStep(late.SpanId, StepKind.Llm, model, end, end),
            _ => new OutcomeStep(late.SpanId, StepKind.Other, "", end, end),
        };
    }

    private static bool IsPassedOver(RunRecord run, List<OutcomeStep> failing, in OutcomeStep step)
    {
        if (step.IsRoot)
        {
            return false;
        }

        if ((step.IsRepeated || run.Recovered.Contains(step.SpanId)) && !IsOutermostAgent(run, step))
        {
            return true;
        }

        foreach (var fallback in run.Fallbacks)
        {
            if (IsReplaced(run, failing, step, fallback))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsOutermostAgent(RunRecord run, OutcomeStep step) =>
        step.IsAgent && !run.Steps.Exists(other => other.IsAgent && other.Start <= step.Start && other.End >= step.End && other.End - other.Start > step.End - step.Start);

    /// <summary>It had ended, and is the same tool or model as what the fallback replaces, or happened within it.</summary>
    private static bool IsReplaced(RunRecord run, List<OutcomeStep> failing, OutcomeStep step, FallbackStep fallback)
    {
        if (!IsBefore(step, fallback))
        {
            return false;
        }

        var scope = run.Exposures.Find(exposure => exposure.Period.IsNamed(fallback.AdviceId))?.Period.Item.Scope;
        var name = scope is { Tool.Length: > 0 } about ? about.Tool : scope is { Model.Length: > 0 } of ? of.Model : null;
        if (name is null || !failing.Exists(other => other.Name == name && IsBefore(other, fallback)))
        {
            name = Last(failing, fallback)?.Name ?? "";
        }

        // A span without a name is like no other.
        var replaced = name.Length > 0 ? failing.FindAll(other => other.Name == name && IsBefore(other, fallback)) : Last(failing, fallback) is { } last ? [last] : [];
        return replaced.Exists(other => other.SpanId == step.SpanId || IsWithin(step, other));
    }

    private static OutcomeStep? Last(List<OutcomeStep> failing, FallbackStep fallback)
    {
        OutcomeStep? last = null;
        foreach (var step in failing)
        {
            if (IsBefore(step, fallback) && !step.IsRoot && (last is not { } known || step.End >= known.End))
            {
                last = step;
            }
        }

        return last;
    }

    // What began after the fallback is what came of it, however soon it failed.
    private static bool IsBefore(in OutcomeStep step, in FallbackStep fallback) =>
        step.SpanId != fallback.SpanId && step.End > 0 && fallback.Start > 0 && step.Start <= fallback.Start && step.End <= fallback.Start + ClockSlack;

    private static bool IsWithin(in OutcomeStep step, in OutcomeStep other) => step.Start >= other.Start && step.End <= other.End;
}
