using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary><c>exporters</c>: the Collector's <c>otlp_grpc</c> and <c>otlp_http</c>, each also under its older name, <c>file</c> and <c>debug</c>.</summary>
internal static class ExporterSection
{
    public static Components<ExporterOptions> Read(Section exporters, Extensions extensions)
    {
        var components = new Components<ExporterOptions>("exporter");
        foreach (var (id, type, section) in exporters.Components("otlp_grpc|otlp", "otlp_http|otlphttp", "file", "debug"))
        {
            components.Add(id, section, type switch
            {
                "otlp_grpc" or "otlp" => OtlpGrpcExporterSection.Read(id, section, extensions),
                "otlp_http" or "otlphttp" => OtlpHttpExporterSection.Read(id, section, extensions),
                "file" => FileExporterSection.Read(id, section),
                "debug" => DebugExporterSection.Read(id, section),
                "" => null,
                _ => Refused(id, type, exporters),
            });
        }

        return components;
    }

    private static ExporterOptions? Refused(string id, string type, Section exporters)
    {
        exporters.KeyError(id, CollectorComponents.Exporter(type));
        return null;
    }
}
