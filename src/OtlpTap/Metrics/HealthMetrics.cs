using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>
/// Steps of agents' runs. What services, agents, tools and models are called is the senders' word: the first
/// <see cref="SeriesMax"/> combinations have series of their own, all others share the label <c>other</c>.
/// </summary>
internal sealed class HealthMetrics
{
    /// <summary>With five kinds of failure and a histogram of fourteen buckets some 40,000 series at worst.</summary>
    public const int SeriesMax = 1500;

    /// <summary>Rules' kinds are few; a tap in front could send any number.</summary>
    public const int FailuresMax = 100;

    /// <summary>Of failures: five for each step. Beyond, a step's further kinds are <c>other</c>.</summary>
    public const int FailureSeriesMax = 5 * SeriesMax;

    /// <summary>Kinds of steps, as their label has them.</summary>
    public const string ToolStep = "tool";

    public const string LlmStep = "llm";

    public const string AgentStep = "agent";

    private const string Other = "other";

    private readonly Counter _steps;
    private readonly Counter _failures;
    private readonly Histogram _seconds;
    private readonly Counter _tokens;
    private readonly Gauge _series;
    private readonly Gauge _bytes;
    private readonly Counter _evicted;

    // Guarded by the gate.
    private readonly Dictionary<(string Service, string Agent, string Kind, string Name), StepTotals> _known = [];
    private readonly HashSet<string> _failureKinds = new(StringComparer.Ordinal);
    private int _failureSeries;

    public HealthMetrics(IMetricFactory factory)
    {
        _steps = factory.CreateCounter("otlptap_steps_total", "Steps of agents' runs: calls of tools and models, and runs of agents.", ["service", "agent", "kind", "name"]);
        _failures = factory.CreateCounter("otlptap_step_failures_total", "Steps in which a rule found a failure, by the kind of the first; \"repeated\" where the step only repeats the failure of another and no rule names it.", ["service", "agent", "kind", "name", "failure"]);
        _seconds = factory.CreateHistogram("otlptap_step_duration_seconds", "How long steps took, by the sender's clock.", ["service", "kind", "name"], new HistogramConfiguration { Buckets = StepTotals.SecondsBuckets });
        _tokens = factory.CreateCounter("otlptap_tokens_total", "Tokens of calls of models, as their spans say.", ["service", "model", "direction"]);
        _series = factory.CreateGauge("otlptap_health_series", "Services, agents, tools and models, and their combinations, of which windows are kept.");
        _bytes = factory.CreateGauge("otlptap_health_bytes", "Memory that the windows take.");
        _evicted = factory.CreateCounter("otlptap_health_series_evicted_total", "Series forgotten within their hour, because there was no room for more.");
    }

    /// <summary>To be held by who counts steps, once for all of a request.</summary>
    public Lock StepGate { get; } = new();

    /// <summary>Where steps of a sort are counted. Under <see cref="StepGate"/>.</summary>
    /// <param name="kind"><see cref="ToolStep"/>, <see cref="LlmStep"/> or <see cref="AgentStep"/>.</param>
    /// <param name="name">The tool or model; empty for an agent's run.</param>
    public StepTotals StepOf(string service, string agent, string kind, string name)
    {
        if (_known.TryGetValue((service, agent, kind, name), out var known))
        {
            return known;
        }

        if (_known.Count >= SeriesMax)
        {
            (service, agent, name) = (Other, Other, kind == AgentStep ? "" : Other);
            if (_known.TryGetValue((service, agent, kind, name), out known))
            {
                return known;
            }
        }

        var step = new StepTotals(
            [service, agent, kind, name],
            _steps.WithLabels(service, agent, kind, name),
            _seconds.WithLabels(service, kind, name),
            kind == LlmStep ? _tokens.WithLabels(service, name, "input") : null,
            kind == LlmStep ? _tokens.WithLabels(service, name, "output") : null);
        _known.Add((service, agent, kind, name), step);
        return step;
    }

    /// <summary>A step failed. Under <see cref="StepGate"/>.</summary>
    public void Failed(StepTotals step, string failure)
    {
        failure = _failureKinds.Contains(failure) || (_failureKinds.Count < FailuresMax && _failureKinds.Add(failure)) ? failure : Other;
        if (step.TryFail(failure))
        {
            return;
        }

        failure = _failureSeries < FailureSeriesMax ? failure : Other;
        if (!step.TryFail(failure))
        {
            _failureSeries++;
            step.AddFailures(failure, _failures.WithLabels([.. step.Labels, failure]));
            step.TryFail(failure);
        }
    }

    /// <summary>Tells the registry of the steps since it was last told. For its before-collect callback.</summary>
    public void PublishSteps()
    {
        lock (StepGate)
        {
            foreach (var step in _known.Values)
            {
                step.Publish();
            }
        }
    }

    public void Sampled(int series, long bytes, long evicted)
    {
        _series.Set(series);
        _bytes.Set(bytes);
        _evicted.IncTo(evicted);
    }
}
