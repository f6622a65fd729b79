using OtlpTap.Evaluations;
using OtlpTap.Health.Steps;
using OtlpTap.Otlp;
using OtlpTap.Spans;
using OtlpTap.Tee;

namespace OtlpTap.Hosting;

/// <summary>All that looks at each span behind the tee, with one walk over a request. On the recorder's thread.</summary>
/// <param name="steps">Null: nobody wants to know of steps.</param>
internal sealed class SpanReading(EvaluationWatch evaluations, SpanReader? steps)
{
    private readonly SpanWalk _walk = new(steps is null ? [evaluations] : [evaluations, steps]);

    /// <summary>See <see cref="OtlpTap.Recorder.RecordedHandler"/>.</summary>
    public void Recorded(in TeeItem item)
    {
        if (item.Signal != Signal.Traces)
        {
            evaluations.Observe(item.Signal, item.Payload.Span);
            return;
        }

        evaluations.Begin();
        steps?.Begin(item.Scan);
        _walk.Read(item.Payload.Span, evaluations.Watched);
        evaluations.End();
        steps?.End();
    }
}
