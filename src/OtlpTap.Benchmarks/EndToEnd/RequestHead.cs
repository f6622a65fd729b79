namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>How a request for traces is sent, apart from its body.</summary>
/// <param name="Path">Where to.</param>
/// <param name="Headers">As h2load takes them.</param>
/// <param name="IsHttp1">HTTP/1.1, where a connection carries one request at a time.</param>
internal sealed record RequestHead(string Path, IReadOnlyList<string> Headers, bool IsHttp1)
{
    public static readonly RequestHead Grpc =
        new("/opentelemetry.proto.collector.trace.v1.TraceService/Export", ["content-type: application/grpc", "te: trailers"], IsHttp1: false);

    /// <summary>OTLP/HTTP as most SDKs send it.</summary>
    public static RequestHead Http(string contentType) => new("/v1/traces", [$"content-type: {contentType}"], IsHttp1: true);

    public RequestHead With(string header) => this with { Headers = [.. Headers, header] };

    public IEnumerable<string> Arguments =>
        [.. Headers.SelectMany(header => new[] { "-H", header }), .. IsHttp1 ? ["--h1"] : Array.Empty<string>()];
}
