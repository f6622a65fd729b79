using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

/// <summary>By what an occurrence may differ from the others of its case.</summary>
internal readonly record struct RunFacts(string Service, string Version, string Model, string Shape, string Input, DateTimeOffset StartedAt)
{
    public static RunFacts Of(Capture capture, AgentRun run)
    {
        var primary = capture.Verdicts.Exists(static verdict => !FailureKind.IsMark(verdict.Failure)) ? CaseGroup.PrimaryOf(capture.Verdicts, run).SpanId : default;
        var step = run.Find(primary) ?? (run.Steps.Count > 0 ? run.Steps[0] : null);
        var started = run.Steps.Count > 0 ? run.Steps.Where(other => other.StartUnixNano > 0).Select(other => other.StartUnixNano).DefaultIfEmpty().Min() : 0;
        return new RunFacts(
            Cut(step?.Service ?? ""),
            Cut(step?.ServiceVersion ?? ""),
            Cut(step?.Model ?? run.Steps.FirstOrDefault(other => other.Model is { Length: > 0 })?.Model ?? ""),
            RunShape.Of(run),
            RunShape.OfInput(run),
            DateTimeOffset.UnixEpoch.AddTicks((long)(started / 100)));
    }

    // The trace has names whole; a list of them must stay one that people read.
    private static string Cut(string name)
    {
        const int NameMax = 256;
        return name.Cut(NameMax, "\u2026");
    }
}
