using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// A parent that never came: some instrumentations never end a span whose function fails, so that the failing span itself
/// is missing and only what was below it is left.
/// <para>
/// That a parent is missing is mostly no fault: the caller may send its spans elsewhere, or nowhere. A caller starts one
/// thing at a time, an agent, a request; so only steps that are made inside of a process count, two or more of them below
/// the same missing parent and a model's call among them: what calls a model and then a tool is an agent's own span.
/// </para>
/// </summary>
/// <param name="wait">
/// How long after the last span of a trace a parent may still come: longer than any pause between the steps of an agent and
/// its end, so that a run that goes on is not called incomplete.
/// </param>
internal sealed class IncompleteTraceDetector(TimeProvider time, TimeSpan wait) : IDetector
{
    public static readonly TimeSpan WaitDefault = TimeSpan.FromMinutes(1);

    /// <summary>A trace with more has lost more than its parents.</summary>
    private const int ParentsMax = 16;

    public string Name => "incomplete_trace";

    public void Examine(AgentRun run, DetectionContext context)
    {
        var ids = run.Steps.Select(step => step.SpanId).ToHashSet();
        var missing = run.Steps.Where(step => !step.ParentId.IsZero && !ids.Contains(step.ParentId)).GroupBy(step => step.ParentId).ToList();
        if (missing.Count == 0 || !HasWaited(run))
        {
            return;
        }

        foreach (var children in missing.Where(children => children.Count() > 1 && children.All(IsInner) && children.Any(step => step.Kind == StepKind.Llm)).Take(ParentsMax))
        {
            context.Found(new Verdict(children.First().SpanId, FailureKind.IncompleteTrace, Name, VerdictSource.Detector)
            {
                Explanation = $"{children.Count()} spans are below a span {children.Key} that never came: its instrumentation may have lost it because it failed.",
                Evidence = [.. children.Take(DetectionContext.EvidenceMax).Select(step => step.Name)],
            });
        }
    }

    /// <summary>What an agent does, and no one from outside.</summary>
    private static bool IsInner(RunStep step) =>
        step.Kind is StepKind.Llm or StepKind.Tool or StepKind.Step or StepKind.Retrieval or StepKind.Embedding or StepKind.Guardrail or StepKind.Other;

    // By the sender's clock: one that is ahead only makes the wait longer.
    private bool HasWaited(AgentRun run)
    {
        var last = run.Steps.Max(step => step.EndUnixNano);
        var now = UnixTime.Of(time.GetUtcNow());
        return now > last && now - last >= (ulong)UnixTime.ToNanoseconds(wait);
    }
}
