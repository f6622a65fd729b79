using System.Collections.Immutable;

namespace OtlpTap.Configuration;

/// <summary><c>service</c>, without its pipelines.</summary>
internal static class ServiceSection
{
    /// <summary>To be read before anything that an extension can be named by: what is not started cannot be used.</summary>
    public static HealthCheckExtension? StartExtensions(Section service, Extensions extensions)
    {
        const string Key = "extensions";
        HealthCheckExtension? healthCheck = null;
        var ids = service.TextList(Key) ?? [];
        for (var i = 0; i < ids.Length; i++)
        {
            var path = $"{service.PathOf(Key)}[{i}]";
            if (extensions.Components.Use(ids[i].Text, ids[i].Mark, path, service.Problems) is HealthCheckExtension check)
            {
                if (healthCheck is not null)
                {
                    service.Problems.Error(ids[i].Mark, path, $"one health check can be served, and `{healthCheck.Id}` is that");
                }

                healthCheck = check;
            }
        }

        return healthCheck;
    }

    public static ServiceOptions Read(Section service, Extensions extensions, HealthCheckExtension? healthCheck)
    {
        var defaults = new ServiceOptions();
        var admin = service.Map("admin");
        var authenticator = ListenerSection.ReadAuthenticator(admin, extensions);
        var adminOptions = new AdminOptions
        {
            Endpoint = ListenerSection.ReadAddress(admin, defaults.Admin.Endpoint),
            Tls = ServerTlsSection.Read(admin),
            Authenticator = authenticator,
            Hosts = ReadHosts(admin),
        };
        var (apiToken, apiWriteToken) = ApiSection.Read(admin.Map("api"), authenticator);
        adminOptions = adminOptions with { Api = apiToken, ApiWrite = apiWriteToken };
        admin.RefuseUnknownKeys();
        return new ServiceOptions
        {
            Admin = adminOptions,
            HealthCheck = healthCheck?.Options,
            MetricsEndpoint = TelemetrySection.ReadMetricsEndpoint(service.Map("telemetry"), adminOptions),
            ShutdownDeadline = service.Duration("shutdown_deadline", defaults.ShutdownDeadline, TimeSpan.Zero, TimeSpan.FromMinutes(10)),
        };
    }

    private static ImmutableArray<string> ReadHosts(Section admin)
    {
        const string Key = "hosts";
        var hosts = ImmutableArray.CreateBuilder<string>();
        foreach (var (host, mark) in admin.TextList(Key) ?? [])
        {
            var name = host.TrimEnd('.');
            if (name != AdminOptions.AnyHost && Uri.CheckHostName(name) != UriHostNameType.Dns)
            {
                admin.Problems.Error(mark, admin.PathOf(Key), $"`{host}` is no name of a host: it is written without scheme and port, as `tap.example.com`; `*` is any, and addresses need not be written");
            }

            hosts.Add(name);
        }

        return hosts.ToImmutable();
    }
}
