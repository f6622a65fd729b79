using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>Hands what was found behind the line to those whom it concerns: cases, and whoever counts or tells it with its span.</summary>
internal sealed class VerdictHub(CaptureScheduler scheduler, JudgedSpanSearch spans, params IReadOnlyList<IVerdictSink> others) : IVerdictSink
{
    public void Judged(in TraceId traceId, in Verdict verdict)
    {
        // Cases have the span itself.
        var bare = verdict with { Judged = null };
        if (FailureKind.IsMark(verdict.Failure))
        {
            scheduler.Mark(traceId, bare);
        }
        else
        {
            scheduler.TrySchedule(traceId, bare);
        }

        // Evaluations name a span that nobody has looked at.
        var known = verdict.Judged is null ? verdict with { Judged = spans.Find(traceId, verdict.SpanId) } : verdict;
        foreach (var sink in others)
        {
            sink.Judged(traceId, known);
        }
    }
}
