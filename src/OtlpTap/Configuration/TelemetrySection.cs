namespace OtlpTap.Configuration;

/// <summary>
/// <c>service.telemetry</c>: what the Collector tells of itself. The tap serves its metrics where it says; all the rest is
/// accepted, with a warning where something was meant that does not happen.
/// </summary>
internal static class TelemetrySection
{
    private const string Pulled = "the tap's metrics are pulled, from `service.admin.endpoint`: nothing is pushed";

    /// <summary>Null where nothing is written, or the admin port itself.</summary>
    public static ListenAddress? ReadMetricsEndpoint(Section telemetry, AdminOptions admin)
    {
        var metrics = telemetry.Map("metrics");
        var level = metrics.Choice("level", "normal", [("none", "none"), ("basic", "basic"), ("normal", "normal"), ("detailed", "detailed")]);
        if (level == "none")
        {
            metrics.Warning("level", "has no effect: metrics are served at `service.admin.endpoint` whatever the level");
        }

        var endpoint = ReadAddress(metrics) ?? ReadReaders(metrics);
        metrics.Ignore(["views"], "all metrics are served as they are");
        metrics.RefuseUnknownKeys();
        ReadLogs(telemetry.Map("logs"));
        telemetry.Ignore(["traces"], "the tap makes no spans of its own");
        telemetry.Ignore(["resource"], "the tap's metrics have no resource: Prometheus adds `job` and `instance`");
        telemetry.RefuseUnknownKeys();
        return endpoint is { } address && ListenerConflicts.IsSame(address, admin.Endpoint) ? null : endpoint;
    }

    // The older form; the Collector's default host is its own.
    private static ListenAddress? ReadAddress(Section metrics)
    {
        var text = metrics.Text("address");
        if (text is null)
        {
            return null;
        }

        if (HostPort.TryParse(text, out var address, out var error))
        {
            return new ListenAddress(address, null);
        }

        metrics.Error("address", error);
        return null;
    }

    private static ListenAddress? ReadReaders(Section metrics)
    {
        ListenAddress? endpoint = null;
        foreach (var reader in metrics.Maps("readers"))
        {
            var pull = reader.Map("pull");
            var exporter = pull.Map("exporter");
            var prometheus = exporter.PresentMap("prometheus");
            var address = prometheus is null ? null : ReadPrometheus(prometheus);
            exporter.RefuseUnknownKeys();
            pull.RefuseUnknownKeys();
            reader.Ignore(["periodic"], Pulled);
            reader.RefuseUnknownKeys();
            if (address is not null && endpoint is not null)
            {
                reader.Problems.Error(reader.Mark, reader.Path, "metrics can be served at one further endpoint, and a reader before this names it");
            }

            endpoint ??= address;
        }

        return endpoint;
    }

    private static ListenAddress? ReadPrometheus(Section prometheus)
    {
        var host = prometheus.Text("host", "localhost");
        var port = prometheus.Number("port", 8888, 0, 65_535);
        prometheus.Ignore(
            ["with_resource_constant_labels", "without_scope_info", "without_target_info", "without_type_suffix", "without_units", "translation_strategy", "resource_constant_labels"],
            "metrics are named as Prometheus has them: units and `_total` at their ends");
        prometheus.RefuseUnknownKeys();
        if (HostPort.TryParse(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}", out var address, out var error))
        {
            return new ListenAddress(address, null);
        }

        prometheus.Error("host", error);
        return null;
    }

    private static void ReadLogs(Section logs)
    {
        const string Level = "level";
        if (logs.Text(Level) is { } level && !level.Equals("info", StringComparison.OrdinalIgnoreCase))
        {
            logs.Warning(Level, "has no effect: the tap logs what an operator has to know, and that is little");
        }

        logs.Ignore(
            ["encoding", "development", "sampling", "output_paths", "error_output_paths", "disable_caller", "disable_stacktrace", "initial_fields", "processors"],
            "the tap logs plain lines to standard output");
        logs.RefuseUnknownKeys();
    }
}
