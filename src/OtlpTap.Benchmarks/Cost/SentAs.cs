namespace OtlpTap.Benchmarks.Cost;

/// <summary>How an agent sends a request.</summary>
internal enum SentAs
{
    Grpc,
    GrpcGzip,
    HttpProtobuf,
    HttpJson,
    HttpProtobufGzip,
    HttpProtobufZstd,
}
