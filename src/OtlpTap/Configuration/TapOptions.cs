using System.Collections.Immutable;
using OtlpTap.Advice;
using OtlpTap.Announce;
using OtlpTap.Detectors;
using OtlpTap.Evaluations;
using OtlpTap.Feedback;
using OtlpTap.Health;
using OtlpTap.Forward;
using OtlpTap.Judges;
using OtlpTap.Pull;
using OtlpTap.Receive;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Redact;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Sinks;

namespace OtlpTap.Configuration;

/// <summary>The whole configuration, checked. Immutable; every number is within its range, every name refers to something.</summary>
internal sealed record TapOptions
{
    /// <summary>The receivers that pipelines use, in the order in which they were defined.</summary>
    public required ImmutableArray<ReceiverOptions> Receivers { get; init; }

    public required TapProcessorOptions Processor { get; init; }

    /// <summary>The exporters that pipelines use, in the order in which they were defined.</summary>
    public required ImmutableArray<ExporterOptions> Exporters { get; init; }

    /// <summary>One at most for each receiver and signal; a signal without one is not received (UNIMPLEMENTED or 404, as the Collector answers).</summary>
    public required ImmutableArray<PipelineOptions> Pipelines { get; init; }

    public required ServiceOptions Service { get; init; }

    /// <summary>The rules of the packs and the operator's own, compiled.</summary>
    public CompiledRules Rules { get; init; } = CompiledRules.None;

    /// <summary>The largest message that any receiver takes, decompressed.</summary>
    public int RequestBytesMax => Receivers.Max(receiver => Math.Max(receiver.Grpc?.MaxReceiveMessageBytes ?? 0, receiver.Http?.MaxRequestBodyBytes ?? 0));

    /// <summary>What takes the signal from the receiver; null where nothing does.</summary>
    public PipelineOptions? PipelineOf(string receiver, Signal signal)
    {
        foreach (var pipeline in Pipelines)
        {
            if (pipeline.Signal == signal && pipeline.Receivers.Contains(receiver))
            {
                return pipeline;
            }
        }

        return null;
    }
}

/// <summary><c>processors.tap</c>.</summary>
internal sealed record TapProcessorOptions
{
    /// <summary><c>packs</c>: rule packs by name, or <c>all</c>. Default all.</summary>
    public ImmutableArray<string> Packs { get; init; } = ["all"];

    /// <summary><c>rules</c>: the operator's own, in order. Default none.</summary>
    public ImmutableArray<Rule> Rules { get; init; } = [];

    /// <summary>
    /// <c>error_mode</c>: what is done when a rule's condition comes to an error, beside counting it. Default ignore. The
    /// Collector's <c>propagate</c> refuses the request; here that would make a rule's mistake the agents' loss of data, so
    /// it only says it louder.
    /// </summary>
    public ErrorMode ErrorMode { get; init; } = ErrorMode.Ignore;

    /// <summary><c>recorder.max_size_mib</c>: how much of the recent past is kept. Default 256 MiB; 16 to 65536.</summary>
    public long RecorderBytesMax { get; init; } = 256L << 20;

    /// <summary><c>recorder.max_age</c>: what is older is forgotten even where there is room. Default 1 h; 1 min to 168 h.</summary>
    public TimeSpan RecorderAgeMax { get; init; } = TimeSpan.FromHours(1);

    /// <summary><c>recorder.directory</c>: where the recorder's segments are files, which survive a restart. Default empty: in memory.</summary>
    public string RecorderDirectory { get; init; } = "";

    /// <summary><c>recorder.compression</c>: whether what is kept is compressed. Default not.</summary>
    public RecordEncoding RecorderCompression { get; init; }

    /// <summary><c>corpus.directory</c>: where cases go. Default <c>./otlptap-data/cases</c>.</summary>
    public string CorpusDirectory { get; init; } = "./otlptap-data/cases";

    /// <summary><c>corpus.settle</c>: a case is written so long after its trace's last span. Default 5 s; 0 to 1 h.</summary>
    public TimeSpan CorpusSettle { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>corpus.settle_max</c>: the case of a trace that never gets quiet is written so long after the first verdict. Default 60 s; from settle to 24 h.</summary>
    public TimeSpan CorpusSettleMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>corpus.late_window</c>: spans that come so long after the case was written are still added. Default 10 min; 0 to 24 h.</summary>
    public TimeSpan CorpusLateWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary><c>corpus.cases_per_hour</c>: new cases in any hour; what exceeds it is counted. Default 10,000; 0 is no limit.</summary>
    public int CorpusCasesPerHourMax { get; init; } = 10_000;

    /// <summary><c>corpus.cases_per_hour_per_fingerprint</c>: how often in an hour the files of one case may change. Default 20; 0 is no limit.</summary>
    public int CorpusUpdatesPerHourMax { get; init; } = 20;

    /// <summary><c>corpus.traces_per_case</c>: further traces kept beside a case's first one. Default 5; 0 to 1,000.</summary>
    public int CorpusTracesPerCase { get; init; } = 5;

    /// <summary><c>corpus.redact</c>: what is taken out before anything is written. Default on, masking.</summary>
    public RedactOptions CorpusRedact { get; init; } = new();

    /// <summary><c>corpus.sinks</c>: where cases go besides their folder. Default nowhere.</summary>
    public ImmutableArray<SinkOptions> Sinks { get; init; } = [];

    /// <summary><c>corpus.max_size_mib</c>: bytes of the case folder beyond which nothing is written. Default 4 GiB; 0 is no limit.</summary>
    public long CorpusBytesMax { get; init; } = 4L << 30;

    /// <summary><c>verdicts</c>: what the backend is told of what was found behind the line.</summary>
    public AnnounceOptions Verdicts { get; init; } = new();

    /// <summary><c>evaluations</c>: how results that come as telemetry are read.</summary>
    public EvaluationOptions Evaluations { get; init; } = new();

    /// <summary><c>detectors</c>: checks of whole traces.</summary>
    public DetectorOptions Detectors { get; init; } = new();

    /// <summary><c>feedback</c>: what users say, and what they show by the way in which they go on.</summary>
    public FeedbackOptions Feedback { get; init; } = new();

    /// <summary><c>advice</c>: what agents are told to do about their health.</summary>
    public AdviceOptions Advice { get; init; } = new();

    /// <summary><c>health</c>: windows of how agents fare.</summary>
    public HealthOptions Health { get; init; } = new();

    /// <summary><c>detectors.judge</c>: evaluators outside the tap. Default none.</summary>
    public ImmutableArray<JudgeOptions> Judges { get; init; } = [];

    /// <summary><c>pull.tempo</c>: traces of late verdicts, and on a schedule what its query finds. Default none.</summary>
    public PullOptions? PullTempo { get; init; }

    /// <summary><c>pull.loki</c>: on a schedule what its query finds. Default none.</summary>
    public PullOptions? PullLoki { get; init; }

    /// <summary><c>tee.enabled</c>: false leaves recorder and cases out; requests are inspected, tagged and counted all the same. Default true.</summary>
    public bool IsTeed { get; init; } = true;

    /// <summary><c>tee.max_size_mib</c>: bytes that wait for the recorder; what does not fit is dropped and counted. Default 64 MiB; 1 to 4096.</summary>
    public long TeeBytesMax { get; init; } = 64L << 20;

    /// <summary>
    /// <c>limits.in_flight_mib</c>: bytes of requests between arrival and reply; beyond it senders are told to come again.
    /// Default 256 MiB; from the receivers' largest message to 65536. A <c>memory_limiter</c> in the pipelines sets it as
    /// <c>limit_mib - spike_limit_mib</c>, the limit from which the Collector refuses.
    /// </summary>
    public long InFlightBytesMax { get; init; } = 256L << 20;

    /// <summary><c>on_invalid</c>: what becomes of single items that break the OTLP data model. Default relay.</summary>
    public OnInvalid OnInvalid { get; init; }

    /// <summary>
    /// <c>forward_headers</c>: request headers that travel on to the upstream, in lower case. Default <c>authorization</c> and
    /// <c>x-scope-orgid</c>, Grafana's tenant.
    /// </summary>
    public ImmutableArray<string> ForwardHeaders { get; init; } = ["authorization", "x-scope-orgid"];
}

/// <summary>One of <c>service.pipelines</c>.</summary>
/// <param name="Id"><c>traces</c>, <c>logs</c>, <c>metrics</c>, or one of them with <c>/name</c>.</param>
/// <param name="IsTapped">Whether the tap processor is in it: requests are inspected, tagged and offered to the recorder.</param>
/// <param name="Receivers">Ids of the receivers it takes from.</param>
/// <param name="Primary">Whose answer is the sender's; null where no exporter is configured.</param>
/// <param name="Others">Further exporters, each behind a queue of its own.</param>
internal sealed record PipelineOptions(
    string Id, Signal Signal, ImmutableArray<string> Receivers, bool IsTapped, ExporterOptions? Primary, ImmutableArray<ExporterOptions> Others);

/// <summary><c>service.admin</c>: metrics, health and the API.</summary>
internal sealed record AdminOptions : ListenerOptions
{
    /// <summary>In <see cref="Hosts"/>: whatever the name.</summary>
    public const string AnyHost = "*";

    /// <summary>Default <c>127.0.0.1:8888</c>, the Collector's port for its own metrics.</summary>
    public override ListenAddress Endpoint { get; init; } = new("127.0.0.1", 8888);

    /// <summary><c>api.token</c>: of the API alone. Null lets in everyone who reaches the port.</summary>
    public BearerTokenOptions? Api { get; init; }

    /// <summary><c>api.write_token</c>: where it is there, <see cref="Api"/> may only read. Null: it may all.</summary>
    public BearerTokenOptions? ApiWrite { get; init; }

    /// <summary><c>hosts</c>: names by which the port is known, or <c>*</c>; see <c>HostGate</c>. Default none.</summary>
    public ImmutableArray<string> Hosts { get; init; } = [];
}

/// <summary><c>extensions.health_check</c>, as the Collector's: an answer in JSON on a port of its own.</summary>
internal sealed record HealthCheckOptions : ListenerOptions
{
    /// <summary>Default <c>127.0.0.1:13133</c>.</summary>
    public override ListenAddress Endpoint { get; init; } = new("127.0.0.1", 13133);

    /// <summary><c>path</c>. Default <c>/</c>.</summary>
    public string Path { get; init; } = "/";

    /// <summary><c>response_body.healthy</c>: in place of the JSON. Default none.</summary>
    public string? HealthyBody { get; init; }

    /// <summary><c>response_body.unhealthy</c>. Default none.</summary>
    public string? UnhealthyBody { get; init; }
}

/// <summary><c>service</c>, without its pipelines.</summary>
internal sealed record ServiceOptions
{
    /// <summary><c>admin</c>.</summary>
    public AdminOptions Admin { get; init; } = new();

    /// <summary><c>extensions</c> with a <c>health_check</c>; null where none is named.</summary>
    public HealthCheckOptions? HealthCheck { get; init; }

    /// <summary>
    /// <c>telemetry.metrics.readers[].pull.exporter.prometheus</c>: where own metrics are also served, beside the admin port;
    /// null where it is not written or is the admin port.
    /// </summary>
    public ListenAddress? MetricsEndpoint { get; init; }

    /// <summary>
    /// <c>shutdown_deadline</c>: how long requests in flight and due cases have after SIGTERM. Default 8 s: more than an
    /// exporter's timeout of 5 s, less than the 10 s after which Docker kills; 0 to 10 min.
    /// </summary>
    public TimeSpan ShutdownDeadline { get; init; } = TimeSpan.FromSeconds(8);
}
