using OtlpTap.Metrics;
using OtlpTap.Runs;

namespace OtlpTap.Health;

/// <summary>Counts steps for Prometheus.</summary>
internal sealed class StepCounter(HealthMetrics metrics) : ISpanFactObserver
{
    /// <summary>A step that only repeats the failure of another, and in which no rule found one.</summary>
    public const string RepeatedFailure = "repeated";

    private readonly NameCache<StepTotals> _known = new();

    public void Observed(ReadOnlySpan<SpanFact> facts)
    {
        lock (metrics.StepGate)
        {
            foreach (ref readonly var fact in facts)
            {
                Count(fact);
            }
        }
    }

    private void Count(in SpanFact fact)
    {
        var (kind, name) = fact.Kind switch
        {
            StepKind.Tool => (HealthMetrics.ToolStep, fact.Tool),
            StepKind.Llm => (HealthMetrics.LlmStep, fact.Model),
            StepKind.Agent or StepKind.Workflow => (HealthMetrics.AgentStep, ""),
            _ => ("", ""),
        };
        if (kind.Length == 0)
        {
            return;
        }

        if (_known.Find(fact.Service, fact.Agent, kind, name) is not { } step)
        {
            step = metrics.StepOf(fact.Service.Length > 0 ? fact.Service : HealthWindows.UnnamedService, fact.Agent, kind, name);
            _known.Keep(fact.Service, fact.Agent, kind, name, step);
        }

        step.Add(fact.Seconds, fact.InputTokens, fact.OutputTokens);
        if (fact.Failure is not null || fact.IsRepeated)
        {
            metrics.Failed(step, fact.Failure ?? RepeatedFailure);
        }
    }
}
