using System.Collections.Immutable;

namespace OtlpTap.Receive;

/// <summary>Where OTLP/HTTP requests go to.</summary>
internal sealed record HttpPaths
{
    /// <summary><c>traces_url_path</c>. Default <c>/v1/traces</c>.</summary>
    public string Traces { get; init; } = "/v1/traces";

    /// <summary><c>logs_url_path</c>. Default <c>/v1/logs</c>.</summary>
    public string Logs { get; init; } = "/v1/logs";

    /// <summary><c>metrics_url_path</c>. Default <c>/v1/metrics</c>.</summary>
    public string Metrics { get; init; } = "/v1/metrics";

    /// <summary><c>feedback_url_path</c>, a key of the tap's. Default <c>/v1/feedback</c>.</summary>
    public string Feedback { get; init; } = "/v1/feedback";

    /// <summary>
    /// <c>url_path_prefixes</c>, a key of the tap's: what vendors put before the paths (<c>/api/public/otel</c>, <c>/otlp</c>),
    /// and <c>*</c> for anything. Default none.
    /// </summary>
    public ImmutableArray<string> Prefixes { get; init; } = [];
}
