namespace OtlpTap.Configuration;

/// <summary><c>extensions</c>: who may come in, what is shown to upstreams, and the health check.</summary>
internal static class ExtensionSection
{
    public static Components<ExtensionOptions> Read(Section extensions)
    {
        var components = new Components<ExtensionOptions>("extension");
        foreach (var (id, type, section) in extensions.Components("bearertokenauth", "basicauth", "health_check", "zpages", "pprof", "file_storage", "memory_ballast"))
        {
            components.Add(id, section, type switch
            {
                "bearertokenauth" => BearerTokenSection.Read(id, section),
                "basicauth" => BasicAuthSection.Read(id, section),
                "health_check" => HealthCheckSection.Read(id, section),
                "zpages" => Unserved(id, extensions, section, "the tap serves no zpages: metrics and health are at `service.admin.endpoint`"),
                "pprof" => Unserved(id, extensions, section, "the tap is no Go program: `dotnet-trace` and `dotnet-counters` look into it"),
                "file_storage" => Unserved(id, extensions, section, "what must outlast an outage is kept by `on_upstream_failure: spool` of an exporter"),
                "memory_ballast" => Unserved(id, extensions, section, "the tap needs no ballast"),
                "" => null,
                _ => Refused(id, type, extensions),
            });
        }

        return components;
    }

    private static UnservedExtension Unserved(string id, Section extensions, Section section, string why)
    {
        section.IgnoreAll(why);
        extensions.KeyWarning(id, $"has no effect: {why}");
        return new UnservedExtension(id);
    }

    private static ExtensionOptions? Refused(string id, string type, Section extensions)
    {
        extensions.KeyError(id, CollectorComponents.Extension(type));
        return null;
    }
}
