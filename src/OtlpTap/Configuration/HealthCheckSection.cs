namespace OtlpTap.Configuration;

/// <summary><c>extensions.health_check</c>.</summary>
internal static class HealthCheckSection
{
    public static HealthCheckExtension Read(string id, Section section)
    {
        var defaults = new HealthCheckOptions();
        var endpoint = ListenerSection.ReadAddress(section, defaults.Endpoint);
        var body = section.Map("response_body");
        var options = new HealthCheckOptions
        {
            Endpoint = endpoint,
            Tls = ServerTlsSection.Read(section),
            Path = section.Text("path", defaults.Path),
            HealthyBody = body.Text("healthy"),
            UnhealthyBody = body.Text("unhealthy"),
        };

        if (!options.Path.StartsWith('/'))
        {
            section.Error("path", $"`{options.Path}` is no path: it begins with `/`");
        }

        body.RefuseUnknownKeys();
        section.Refuse(["auth"], "health checks are answered without: remove it");
        section.Ignore(["check_collector_pipeline"], "the Collector's own documentation says that it does not work");
        section.RefuseUnknownKeys();
        return new HealthCheckExtension(id, options);
    }
}
