using OtlpTap.Health;
using OtlpTap.Health.Spans;
using OtlpTap.Metrics;
using OtlpTap.Tee;

namespace OtlpTap.Hosting;

/// <summary>How agents fare: steps of runs as they come by, and the windows over them.</summary>
internal sealed class HealthSetup
{
    private readonly SpanReader? _reader;
    private readonly HealthMetrics _metrics;

    public HealthSetup(HealthOptions options, TapMetrics metrics, TimeProvider time)
    {
        _metrics = metrics.Health;
        var owners = new TraceOwners();
        Windows = new HealthWindows(options, owners, time);
        _reader = options.IsEnabled ? new SpanReader([Windows, new StepCounter(metrics.Health)], owners) : null;
    }

    public HealthWindows Windows { get; }

    /// <summary>Told of each step after the windows. Before anything is recorded: what advises reads the windows, and what measures advice follows the steps.</summary>
    public void Tell(ISpanFactObserver observer) => _reader?.Tell(observer);

    /// <summary>See <see cref="OtlpTap.Recorder.RecordedHandler"/>.</summary>
    public void Recorded(in TeeItem item) => _reader?.Recorded(item);

    /// <summary>For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        _metrics.PublishSteps();
        var (series, bytes, evicted) = Windows.Size;
        _metrics.Sampled(series, bytes, evicted);
    }
}
