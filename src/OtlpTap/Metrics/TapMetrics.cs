using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>
/// All the tap tells Prometheus, in a registry of its own: nothing static, so that two taps in one process (tests, the
/// demo) do not count for each other. Each room's instruments are a class of their own, made over <see cref="Factory"/>.
/// </summary>
internal sealed class TapMetrics
{
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    /// <param name="version">Of the tap, for <c>otlptap_build_info</c>.</param>
    /// <param name="time">Of the uptime.</param>
    public TapMetrics(string version, TimeProvider time)
    {
        Factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        DotNetStats.Register(_registry);
        var runtime = new RuntimeMetrics(Factory, version);
        OnScrape(runtime.Sample);
        var process = new ProcessMetrics(Factory, time);
        OnScrape(process.Sample);
        Configuration = new ConfigurationMetrics(Factory);
        Receive = new ReceiveMetrics(Factory);
        MemoryLimiter = new MemoryLimiterMetrics(Factory);
        OnScrape(() => Receive.SampleInto(MemoryLimiter));
        Validity = new ValidityMetrics(Factory);
        Tee = new TeeMetrics(Factory);
        Recorder = new RecorderMetrics(Factory);
        Evaluations = new EvaluationMetrics(Factory);
        Corpus = new CorpusMetrics(Factory);
        Detectors = new DetectorMetrics(Factory);
        Feedback = new FeedbackMetrics(Factory);
        Health = new HealthMetrics(Factory);
        Advice = new AdviceMetrics(Factory);
        AdviceEffect = new AdviceEffectMetrics(Factory);
        Announce = new AnnounceMetrics(Factory);
        Pull = new PullMetrics(Factory);
        Api = new ApiMetrics(Factory);
    }

    public IMetricFactory Factory { get; }

    public ConfigurationMetrics Configuration { get; }

    public ReceiveMetrics Receive { get; }

    public MemoryLimiterMetrics MemoryLimiter { get; }

    public ValidityMetrics Validity { get; }

    public TeeMetrics Tee { get; }

    public RecorderMetrics Recorder { get; }

    public EvaluationMetrics Evaluations { get; }

    public CorpusMetrics Corpus { get; }

    public DetectorMetrics Detectors { get; }

    public FeedbackMetrics Feedback { get; }

    public HealthMetrics Health { get; }

    public AdviceMetrics Advice { get; }

    public AdviceEffectMetrics AdviceEffect { get; }

    public AnnounceMetrics Announce { get; }

    public PullMetrics Pull { get; }

    public ApiMetrics Api { get; }

    /// <summary>Runs before each scrape, for values that are read rather than counted. It must not throw: the scrape would fail.</summary>
    public void OnScrape(Action sample) => _registry.AddBeforeCollectCallback(sample);

    /// <summary>Writes everything in the Prometheus text format, version 0.0.4, UTF-8.</summary>
    public Task WriteAsync(Stream destination, CancellationToken cancellation) => _registry.CollectAndExportAsTextAsync(destination, cancellation);
}
