using System.Collections.Immutable;
using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary>What no section can tell alone.</summary>
internal static class Check
{
    private const string Endpoint = "endpoint";

    /// <summary>The options; null when something that they need is wrong, which has been reported then.</summary>
    public static TapOptions? Whole(
        Components<ReceiverOptions> receivers,
        Components<ProcessorOptions> processors,
        Components<ExporterOptions> exporters,
        ImmutableArray<PipelineOptions> pipelines,
        ServiceOptions service,
        Section serviceSection,
        Section? healthCheck)
    {
        var taps = processors.Used.Where(processor => processor.Options is TapProcessor).ToList();
        foreach (var (_, section, _) in taps.Skip(1))
        {
            section.Problems.Error(section.Mark, section.Path, $"a tap has one tap processor for all its pipelines, and they use `processors.{taps[0].Id}` as well: name the same one in all of `service.pipelines`, or run a second tap with this one");
        }

        var tapSection = taps.Count > 0 ? taps[0].Section : null;
        var tap = taps.Count > 0 ? ((TapProcessor)taps[0].Options).Options : new TapProcessorOptions();
        tap = InFlightCheck.Bound(tap, tapSection, [.. processors.Used], [.. receivers.Used]);
        ListenerConflicts.Report([.. Listeners(receivers, service, serviceSection, healthCheck)]);
        DeliveryCheck.Report([.. exporters.Used], pipelines);
        ReportSharedFiles([.. exporters.Used]);
        return receivers.Used.Any() ? new TapOptions
        {
            Receivers = [.. receivers.Used.Select(receiver => receiver.Options)],
            Processor = tap,
            Exporters = [.. exporters.Used.Select(exporter => exporter.Options)],
            Pipelines = pipelines,
            Service = service,
        }
        : null;
    }

    private static IEnumerable<Listener> Listeners(Components<ReceiverOptions> receivers, ServiceOptions service, Section serviceSection, Section? healthCheck)
    {
        foreach (var (id, section, receiver) in receivers.Used)
        {
            var protocols = section.Map("protocols");
            if (receiver.Grpc is { } grpc)
            {
                yield return new Listener($"receivers.{id}.protocols.grpc", protocols.Map("grpc"), Endpoint, grpc.Endpoint);
            }

            if (receiver.Http is { } http && !IsShared(receiver, protocols))
            {
                yield return new Listener($"receivers.{id}.protocols.http", protocols.Map("http"), Endpoint, http.Endpoint);
            }
        }

        yield return new Listener("service.admin", serviceSection.Map("admin"), Endpoint, service.Admin.Endpoint);
        if (service.HealthCheck is { } health && healthCheck is not null)
        {
            yield return new Listener(healthCheck.Path, healthCheck, Endpoint, health.Endpoint);
        }

        if (service.MetricsEndpoint is { } metrics)
        {
            var section = serviceSection.Map("telemetry").Map("metrics");
            yield return new Listener("service.telemetry.metrics", section, section.Value("address") is null ? "readers" : "address", metrics);
        }
    }

    // One endpoint for both protocols of a receiver is one listener, with one TLS.
    private static bool IsShared(ReceiverOptions receiver, Section protocols)
    {
        if (receiver is not { Grpc: { } grpc, Http: { } http } || grpc.Endpoint != http.Endpoint || http.Endpoint is { Tcp.Port: 0, UnixPath: null })
        {
            return false;
        }

        if (grpc.Tls != http.Tls || grpc.Authenticator != http.Authenticator)
        {
            protocols.Map("http").Error(Endpoint, "is that of `grpc` as well: then `tls` and `auth` of both must be the same");
        }

        return true;
    }

    private static void ReportSharedFiles(IReadOnlyList<(string Id, Section Section, ExporterOptions Options)> exporters)
    {
        var directories = new Dictionary<string, string>(StringComparer.Ordinal);
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (id, section, options) in exporters)
        {
            if (options.Spool is { } spool && !directories.TryAdd(Path.GetFullPath(spool.Directory), id))
            {
                section.Map("spool").Error("directory", $"`{spool.Directory}` is the spool of `{directories[Path.GetFullPath(spool.Directory)]}`: each needs its own");
            }

            if (options is FileExporterOptions file && !files.TryAdd(Path.GetFullPath(file.Path), id))
            {
                section.Error("path", $"`{file.Path}` is the file of `{files[Path.GetFullPath(file.Path)]}`: each needs its own");
            }
        }
    }
}
