using OtlpTap.Metrics;
using OtlpTap.Runs;

namespace OtlpTap.Health;

/// <summary>Counts steps for Prometheus.</summary>
internal sealed class StepCounter(HealthMetrics metrics) : ISpanFactObserver
{
    /// <summary>A step that only repeats the failure of another, and in which no rule found one.</summary>
    public const string RepeatedFailure = "repeated";

    public void Observed(in SpanFact fact)
    {
        var (kind, name) = fact.Kind switch
        {
            StepKind.Tool => ("tool", fact.Tool),
            StepKind.Llm => ("llm", fact.Model),
            StepKind.Agent or StepKind.Workflow => ("agent", ""),
            _ => ("", ""),
        };
        if (kind.Length > 0)
        {
            metrics.Stepped(
                fact.Service.Length > 0 ? fact.Service : HealthWindows.UnnamedService,
                fact.Agent, kind, name,
                fact.Failure ?? (fact.IsRepeated ? RepeatedFailure : null),
                fact.Seconds, fact.InputTokens, fact.OutputTokens);
        }
    }
}
