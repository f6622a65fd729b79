using OtlpTap.Forward;

namespace OtlpTap.Tests.Configuration;

internal static class ReadOptions
{
    extension(ExporterOptions exporter)
    {
        /// <summary>Of an <c>otlp_grpc</c> or <c>otlp_http</c> exporter.</summary>
        public ForwardOptions Forward => exporter is OtlpHttpExporterOptions http ? http.Forward : ((OtlpGrpcExporterOptions)exporter).Forward;
    }
}
