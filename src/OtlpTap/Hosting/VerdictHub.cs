using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>Hands what was found behind the line to those whom it concerns: cases, and the backend.</summary>
internal sealed class VerdictHub(CaptureScheduler scheduler, IVerdictSink backend) : IVerdictSink
{
    public void Judged(in TraceId traceId, in Verdict verdict)
    {
        if (!FailureKind.IsMark(verdict.Failure))
        {
            scheduler.TrySchedule(traceId, verdict);
        }

        backend.Judged(traceId, verdict);
    }
}
