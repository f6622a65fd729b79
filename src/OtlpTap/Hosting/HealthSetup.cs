using OtlpTap.Health;
using OtlpTap.Health.Steps;
using OtlpTap.Metrics;

namespace OtlpTap.Hosting;

/// <summary>How agents fare: steps of runs as they come by, and the windows over them.</summary>
internal sealed class HealthSetup
{
    private readonly HealthMetrics _metrics;

    public HealthSetup(HealthOptions options, TapMetrics metrics, TimeProvider time)
    {
        _metrics = metrics.Health;
        Windows = new HealthWindows(options, Owners, time);
        Steps = options.IsEnabled ? new SpanReader([Windows, new StepCounter(metrics.Health)], Owners) : null;
    }

    /// <summary>Whose traces came by; of none where health is off.</summary>
    public TraceOwners Owners { get; } = new();

    public HealthWindows Windows { get; }

    /// <summary>Null where no windows are kept.</summary>
    public SpanReader? Steps { get; }

    /// <summary>Told of each step after the windows. Before anything is recorded: what advises reads the windows, and what measures advice follows the steps.</summary>
    public void Tell(ISpanFactObserver observer) => Steps?.Tell(observer);

    /// <summary>For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        _metrics.PublishSteps();
        var (series, bytes, evicted) = Windows.Size;
        _metrics.Sampled(series, bytes, evicted);
    }
}
