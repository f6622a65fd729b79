using OtlpTap.Forward;

namespace OtlpTap.Tests.Configuration;

internal static class ReadOptions
{
    extension(ExporterOptions exporter)
    {
        /// <summary>Of an <c>otlp_grpc</c> exporter.</summary>
        public ForwardOptions Forward => ((OtlpGrpcExporterOptions)exporter).Forward;
    }
}
