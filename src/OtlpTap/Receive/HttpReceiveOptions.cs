using System.Collections.Immutable;

namespace OtlpTap.Receive;

/// <summary>What an OTLP/HTTP edge takes, and how it answers.</summary>
internal sealed record HttpReceiveOptions
{
    /// <summary>Limits, which are those of gRPC as well.</summary>
    public ReceiveOptions Limits { get; init; } = new() { MessageBytesMaxKey = "receivers.otlp.protocols.http.max_request_body_size" };

    /// <summary>Where requests go to.</summary>
    public HttpPaths Paths { get; init; } = new();

    /// <summary>What browsers may do; null answers those of other origins nothing.</summary>
    public CorsOptions? Cors { get; init; }

    /// <summary>Sent with every answer. Default none.</summary>
    public ImmutableArray<(string Name, string Value)> ResponseHeaders { get; init; } = [];

    /// <summary>Where this receiver takes OTLP/gRPC, in words for who sends that here. Asked for each time: a reload may move it.</summary>
    public Func<string> GrpcPlace { get; init; } = static () => "this receiver has no OTLP/gRPC";

    /// <summary>Values of Content-Encoding that are taken; the empty one is none. Default all that there are.</summary>
    public ImmutableArray<string> Encodings { get; init; } = ["", "gzip", "zstd", "zlib", "deflate", "snappy"];
}
