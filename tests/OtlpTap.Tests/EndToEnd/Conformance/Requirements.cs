namespace OtlpTap.Tests.EndToEnd.Conformance;

/// <summary>One demand of the OTLP specification on a server, and how the tap meets it. The tests that show it carry its number.</summary>
/// <param name="Number">Of its row in docs/conformance.md; with a C where the reference Collector does not meet the text.</param>
/// <param name="Section">Of the specification.</param>
internal sealed record Requirement(string Number, string Section, string Text, string How);

/// <summary>Marks a test of <see cref="ConformanceTests"/> as one that shows a requirement, over each form of OTLP that it speaks of.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class ShowsAttribute(string number) : Attribute
{
    public string Number => number;
}

/// <summary>The table behind docs/conformance.md. Source: https://opentelemetry.io/docs/specs/otlp/ as of version 1.11.</summary>
internal static class Requirements
{
    public static readonly IReadOnlyList<Requirement> All =
    [
        new("1", "Protocol Details", "Compression `none` and `gzip` MUST be supported", "both, and zstd; over HTTP also deflate, zlib and snappy"),
        new("2", "OTLP/gRPC Request", "A limit on the size of a message, also after decompression, MUST be enforced, 64 MiB recommended; beyond it `RESOURCE_EXHAUSTED`, not retryable", "64 MiB, `max_recv_msg_size_mib`; no RetryInfo"),
        new("3", "OTLP/gRPC Concurrent Requests", "Many calls in flight, one response for each", "what is joined for the upstream is answered one by one"),
        new("4", "OTLP/gRPC Response", "The size of a response MUST be limited, 4 MiB recommended; `error_message` is shortened to fit, else `RESOURCE_EXHAUSTED`", "4 MiB, not configurable; the upstream's is refused beyond it, what the tap adds to is shortened"),
        new("5", "Full Success", "`partial_success` MUST be unset; an empty request SHOULD succeed", "an empty message, with an upstream and without"),
        new("6", "Partial Success", "`partial_success` MUST say how many items were rejected, and SHOULD say why; 0 with a message is a warning", "the upstream's own count and text; `on_invalid` adds its own"),
        new("7", "Failures", "Retryable are CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS, and RESOURCE_EXHAUSTED with RetryInfo; nothing else is", "no status turns from one kind into the other on its way, over either protocol"),
        new("8", "OTLP/gRPC Throttling", "Overload SHOULD be `UNAVAILABLE`, with RetryInfo", "`limits.in_flight_mib`; RetryInfo of one second"),
        new("9", "OTLP/gRPC Default Port", "4317", "4317"),
        new("10", "OTLP/HTTP", "HTTP/1.1 or HTTP/2, POST", "both on one port; another method is 405 with `Allow`"),
        new("11", "Binary Protobuf Encoding", "`application/x-protobuf` both ways", "`application/protobuf` is taken too, and answered by its own name"),
        new("12", "JSON Protobuf Encoding", "`application/json`; ids in hex of either case, enums as integers, names in lowerCamelCase, unknown fields ignored, 64-bit integers as strings or numbers", "becomes protobuf at the edge; a name as enum is refused, with its place"),
        new("13", "OTLP/HTTP Request", "`/v1/traces`, `/v1/metrics`, `/v1/logs`; a limit on the size of a body, also after decompression, MUST be enforced, 64 MiB recommended; beyond it 413", "64 MiB, `max_request_body_size`; paths and prefixes can be configured"),
        new("14", "OTLP/HTTP Response", "The content type of the request; the size MUST be limited, 4 MiB recommended; `error_message` is shortened to fit, else 500", "the same type for success and error; 4 MiB, not configurable"),
        new("15", "Full Success, Partial Success (HTTP)", "200 with the response message in both cases", "as over gRPC, in the form of the request"),
        new("16", "Failures (HTTP)", "The body of every 4xx and 5xx MUST be a `google.rpc.Status`", "in the type of the request, in JSON where it has neither"),
        new("17", "Retryable Response Codes", "429, 502, 503 and 504, and no other", "RESOURCE_EXHAUSTED is 429 with RetryInfo and 500 without"),
        new("18", "Bad Data", "400, not retryable, with a `BadRequest` detail", "`INVALID_ARGUMENT` and 400, with the field and the byte"),
        new("19", "OTLP/HTTP Throttling", "429 or 503, with `Retry-After`", "503 with `Retry-After: 1`; the upstream's own comes back"),
        new("20", "All Other Responses, Connection", "Other codes are not retryable; connections SHOULD be kept alive", "a connection outlives refusals"),
        new("21", "OTLP/HTTP Default Port", "4318; protobuf and JSON on the same port", "4318"),
        new("22", "Multi-Destination Exporting", "A queue for each destination over shared data, so that none blocks another", "one primary, whose answer is the reply; each other behind its own queue"),
        new("23", "Empty Telemetry Envelopes", "MAY be dropped", "they pass as they came; a request of no bytes is not forwarded"),
        new("24", "Duplicate Data", "May come where a client was not answered", "passes: to sort it out is the backend's"),
        new("C1", "OTLP/gRPC Request", "64 MiB are recommended", "64 MiB; the Collector takes 4"),
        new("C2", "OTLP/HTTP Request", "A body over the limit is 413", "413; the Collector answers 400"),
        new("C3", "OTLP/HTTP Request", "64 MiB are recommended", "64 MiB; the Collector takes 20"),
        new("C4", "Partial Success", "Rejected items come back as `partial_success`", "`on_invalid: reject_item`; the Collector accepts all or nothing"),
        new("C5", "Failures", "`RESOURCE_EXHAUSTED` is retryable with RetryInfo only", "without it 500 over HTTP; the Collector always answers 429"),
        new("C6", "Throttling", "RetryInfo and `Retry-After` on overload", "with every refusal of the tap's own; the Collector has them only of a later component"),
    ];
}
