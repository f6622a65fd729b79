namespace OtlpTap.Configuration;

/// <summary>Components of the Collector that the tap has not, and what to do without each; under their new names and their old ones.</summary>
internal static class CollectorComponents
{
    private const string Behind = "everything is forwarded as it came: leave it to a Collector behind the tap";
    private const string SampleBehind = "the tap forwards all it receives and keeps failing traces whole by itself: leave it to a Collector behind the tap";
    private const string SetInAgents = "set the attributes in the agents with `OTEL_RESOURCE_ATTRIBUTES`, or leave it to a Collector behind the tap";
    private const string CollectorBefore = "a Collector that has it can send what it receives to the tap with its `otlp_grpc` exporter";
    private const string CollectorAfter = "send OTLP with `otlp_grpc` or `otlp_http` to a Collector that has it";
    private const string SpanMetrics = "the tap counts failing spans at /metrics; for metrics of all spans turn on Tempo's metrics-generator, or leave it to a Collector behind the tap";
    private const string OtherCredentials = "the tap has `bearertokenauth` and `basicauth`; `headers` of an exporter can carry a fixed credential";

    private static readonly string[] Receivers = ["otlp"];
    private static readonly string[] Processors = ["tap", "memory_limiter", "batch"];
    private static readonly string[] Exporters = ["otlp_grpc", "otlp_http", "file", "debug"];
    private static readonly string[] Extensions = ["bearertokenauth", "basicauth", "health_check"];

    public static string Receiver(string type) => Say("receiver", type, Receivers, type switch
    {
        "jaeger" or "zipkin" or "opencensus" or "skywalking" or "datadog" or "awsxray" => $"let agents send OTLP; {CollectorBefore}",
        "prometheus" or "hostmetrics" or "host_metrics" or "kubeletstats" or "k8s_cluster" or "docker_stats" or "statsd" or "redis" or "postgresql" or "nginx" => CollectorBefore,
        "filelog" or "file_log" or "journald" or "syslog" or "loki" or "tcplog" or "udplog" or "fluentforward" or "k8s_events" or "k8sobjects" => CollectorBefore,
        "kafka" or "otlp_json_file" or "otlpjsonfile" or "webhookevent" or "rabbitmq" or "pulsar" => CollectorBefore,
        _ => null,
    });

    public static string Processor(string type) => Say("processor", type, Processors, type switch
    {
        "attributes" or "resource" or "transform" or "redaction" or "span" or "groupbyattrs" or "metricstransform" or "metrics_transform" or "schema" or "sumologic" => Behind,
        "cumulativetodelta" or "cumulative_to_delta" or "deltatorate" or "delta_to_cumulative" or "deltatocumulative" or "interval" or "metricsgeneration" => Behind,
        "filter" => Behind,
        "tail_sampling" or "probabilistic_sampler" or "groupbytrace" or "logdedup" or "log_dedup" => SampleBehind,
        "k8sattributes" or "k8s_attributes" or "resourcedetection" or "resource_detection" => SetInAgents,
        "routing" => "pipelines with receivers of their own go to exporters of their own; everything else is for a Collector behind the tap",
        "queuebatch" or "queue_batch" => "requests are joined by themselves while the upstream is busy: remove it",
        "spanmetrics" or "span_metrics" or "servicegraph" => SpanMetrics,
        _ => null,
    });

    public static string Exporter(string type) => Say("exporter", type, Exporters, type switch
    {
        "logging" => "it is called `debug` now",
        "prometheusremotewrite" or "prometheus_remote_write" => "Prometheus and Mimir take OTLP: `otlp_http` with `endpoint: http://prometheus:9090/api/v1/otlp`",
        "prometheus" => "metrics of the tap are at `service.admin.endpoint`; those of agents go to Prometheus with `otlp_http` and `endpoint: http://prometheus:9090/api/v1/otlp`",
        "loki" => "Loki takes OTLP: `otlp_http` with `endpoint: http://loki:3100/otlp`",
        "jaeger" or "jaeger_thrift" => "Jaeger takes OTLP: `otlp_grpc` with `endpoint: jaeger:4317`",
        "load_balancing" or "loadbalancing" => "`otlp_grpc` goes round the addresses behind a name; to keep traces together put a Collector behind the tap",
        "zipkin" or "kafka" or "elasticsearch" or "datadog" or "awsxray" or "awsemf" or "awscloudwatchlogs" or "googlecloud" or "azuremonitor" or "splunk_hec" or "signalfx" or "clickhouse" or "s3" or "awss3" or "pulsar" or "rabbitmq" or "coralogix" => CollectorAfter,
        "nop" => "a pipeline needs no exporter: leave `exporters` out and what is received ends in the recorder",
        _ => null,
    });

    public static string Extension(string type) => Say("extension", type, Extensions, type switch
    {
        "healthcheckv2" or "health_check_v2" => "use `health_check`",
        "oauth2client" or "sigv4auth" or "asapclient" or "googleclientauth" or "azureauth" or "azure_auth" => OtherCredentials,
        "oidc" or "jwt" => "senders can be checked by `bearertokenauth` or `basicauth`, or by a proxy in front of the tap",
        "headers_setter" => "`forward_headers` of the tap processor names the request headers that travel on, `headers` of an exporter sets fixed ones",
        "memory_limiter" => "it is a processor here: put it under `processors` and into the pipelines",
        "db_storage" or "redis_storage" => "what must outlast an outage is kept by `on_upstream_failure: spool` of an exporter",
        "opamp" or "k8s_observer" or "host_observer" or "docker_observer" or "ecs_observer" or "remotetap" or "jaegerremotesampling" => "nothing in the tap uses it: remove it",
        _ => null,
    });

    public static string Connector(string type) => $"`{type}` is a connector, and the tap has none: {type switch
    {
        "span_metrics" or "spanmetrics" or "servicegraph" or "service_graph" or "exceptions" => SpanMetrics,
        "routing" => "pipelines with receivers of their own go to exporters of their own; routing by content is for a Collector behind the tap",
        "forward" => "name all exporters in one pipeline",
        "failover" => "`on_upstream_failure: spool` of an exporter keeps what an upstream does not take",
        "roundrobin" or "round_robin" => "`otlp_grpc` goes round the addresses behind a name",
        _ => "leave it to a Collector behind the tap",
    }}";

    private static string Say(string kind, string type, string[] own, string? instead)
    {
        var names = string.Join(", ", own.Select(name => $"`{name}`"));
        return instead is not null ? $"the Collector's {kind} `{type}` is not part of the tap: {instead}"
            : NearestName.Find(type, own) is { } nearest ? $"`{type}` is no {kind} of the tap; did you mean `{nearest}`?"
            : $"`{type}` is no {kind} of the tap: it has {names}";
    }
}
