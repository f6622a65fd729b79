using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>Verdicts of evaluations: failures make cases, and all of them are told to the backend.</summary>
internal sealed class TelemetryVerdicts(CaptureScheduler scheduler, IVerdictSink backend) : IVerdictSink
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
