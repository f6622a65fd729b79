using OtlpTap.Otlp;

namespace OtlpTap.Verdicts;

/// <summary>Takes verdicts from whoever judges behind the tee: cases, metrics, the backend. Any thread; does not wait; what does not fit is dropped and counted by the sink.</summary>
internal interface IVerdictSink
{
    void Judged(in TraceId traceId, in Verdict verdict);
}
