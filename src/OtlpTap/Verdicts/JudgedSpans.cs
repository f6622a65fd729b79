using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Verdicts;

/// <summary>Finds in a run what a verdict's telemetry needs.</summary>
internal static class JudgedSpans
{
    /// <summary>Verdicts of this run, each with what is known of its span.</summary>
    public static Verdict In(this Verdict verdict, AgentRun run) => verdict with { Judged = verdict.Judged ?? Of(run, verdict.SpanId) };

    /// <param name="judged">Zero, or not in the run: its root stands for it.</param>
    public static JudgedSpan? Of(AgentRun run, SpanId judged)
    {
        if (!judged.IsZero && run.Find(judged) is { } step)
        {
            return JudgedSpan.Of(step);
        }

        return Root(run) is { } root ? JudgedSpan.ForTrace(root) : null;
    }

    // A run whose root has not come has steps whose parents are not in it; the earliest of them is as near as it gets.
    private static RunStep? Root(AgentRun run) =>
        run.Steps.FirstOrDefault(step => step.ParentId.IsZero) ?? run.Steps.FirstOrDefault(step => run.Find(step.ParentId) is null) ?? (run.Steps.Count > 0 ? run.Steps[0] : null);
}
