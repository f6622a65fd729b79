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

    /// <param name="observers">Further ones, told of each step after the windows.</param>
    public HealthSetup(HealthOptions options, TapMetrics metrics, TimeProvider time, params IReadOnlyList<ISpanFactObserver> observers)
    {
        _metrics = metrics.Health;
        var owners = new TraceOwners();
        Windows = new HealthWindows(options, owners, time);
        _reader = options.IsEnabled ? new SpanReader([Windows, new StepCounter(metrics.Health), .. observers], owners) : null;
    }

    public HealthWindows Windows { get; }

    /// <summary>See <see cref="OtlpTap.Recorder.RecordedHandler"/>.</summary>
    public void Recorded(in TeeItem item) => _reader?.Recorded(item);

    /// <summary>For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        var (series, bytes, evicted) = Windows.Size;
        _metrics.Sampled(series, bytes, evicted);
    }
}
