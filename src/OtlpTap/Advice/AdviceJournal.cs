using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Advice;

/// <summary>Tells of each change of advice: a line of the tap's log, a log record and a span for the backend, a count.</summary>
internal sealed class AdviceJournal(AdviceTelemetry form, ITapTelemetry telemetry, AdviceMetrics metrics, ILogger logger)
{
    public void Tell(AdviceChange change)
    {
        var item = change.Item;
        if (change.Kind == AdviceChangeKind.Raised)
        {
            metrics.Raised(item.Policy);
            logger.Raised(item.Id, item.Advice, item.Reason);
        }
        else
        {
            metrics.Withdrawn(item.Policy);
            logger.Withdrawn(item.Id, TimeSpan.FromSeconds(Math.Round((change.At - item.Since).TotalSeconds)), change.Why);
        }

        telemetry.Offer(Signal.Logs, form.Log(change));
        telemetry.Offer(Signal.Traces, form.Span(change));
    }
}
