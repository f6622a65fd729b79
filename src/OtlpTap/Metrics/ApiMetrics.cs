using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>What agents ask of the admin port.</summary>
internal sealed class ApiMetrics
{
    private readonly Gauge _streams;
    private readonly Counter _refused;
    private readonly Counter _tooSlow;

    public ApiMetrics(IMetricFactory factory)
    {
        _streams = factory.CreateGauge("otlptap_advice_streams", "Open streams of advice.");
        _refused = factory.CreateCounter("otlptap_advice_streams_refused_total", "Streams of advice refused, because all that may be open were.");
        _tooSlow = factory.CreateCounter("otlptap_advice_streams_cut_off_total", "Streams of advice ended, because their client took nothing any more.");
    }

    public void StreamOpened() => _streams.Inc();

    public void StreamClosed() => _streams.Dec();

    public void StreamRefused() => _refused.Inc();

    public void StreamTooSlow() => _tooSlow.Inc();
}
