using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>What agents ask of the admin port.</summary>
internal sealed class ApiMetrics
{
    private readonly Gauge _streams;
    private readonly Counter _refused;
    private readonly Counter _tooSlow;
    private readonly Counter _answersRefused;
    private readonly Counter _answersTooSlow;
    private readonly Counter _scrapesTooSlow;

    public ApiMetrics(IMetricFactory factory)
    {
        _streams = factory.CreateGauge("otlptap_advice_streams", "Open streams of advice.");
        _refused = factory.CreateCounter("otlptap_advice_streams_refused_total", "Streams of advice refused, because all that may be open were, or all that may be of one address.");
        _tooSlow = factory.CreateCounter("otlptap_advice_streams_cut_off_total", "Streams of advice ended, because their client took nothing any more.");
        _answersRefused = factory.CreateCounter("otlptap_api_answers_refused_total", "Answers of the API refused with 503, because as many bytes as may be were waiting for clients to read them.");
        _answersTooSlow = factory.CreateCounter("otlptap_api_answers_cut_off_total", "Answers of the API ended, because their client read too slowly.");
        _scrapesTooSlow = factory.CreateCounter("otlptap_scrapes_cut_off_total", "Answers of /metrics ended, because their client had not read them in a minute.");
    }

    public void StreamOpened() => _streams.Inc();

    public void StreamClosed() => _streams.Dec();

    public void StreamRefused() => _refused.Inc();

    public void StreamTooSlow() => _tooSlow.Inc();

    public void AnswerRefused() => _answersRefused.Inc();

    public void AnswerTooSlow() => _answersTooSlow.Inc();

    public void ScrapeTooSlow() => _scrapesTooSlow.Inc();
}
