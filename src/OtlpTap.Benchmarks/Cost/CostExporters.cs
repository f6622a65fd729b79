namespace OtlpTap.Benchmarks.Cost;

/// <summary>Where the tap sends what it gets.</summary>
internal enum CostExporters
{
    /// <summary>One upstream over OTLP/gRPC.</summary>
    Grpc,

    /// <summary>The same, compressed.</summary>
    GrpcGzip,
    GrpcZstd,

    /// <summary>A second upstream beside it, behind its queue.</summary>
    GrpcAndGrpc,

    /// <summary>A file beside it.</summary>
    GrpcAndFile,

    /// <summary>One upstream with a spool that has nothing to do.</summary>
    Spool,

    /// <summary>The same while the upstream is away: all is appended.</summary>
    SpoolWithoutUpstream,
}
