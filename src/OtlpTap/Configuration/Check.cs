using System.Collections.Immutable;
using OtlpTap.Forward;

namespace OtlpTap.Configuration;

/// <summary>What no section can tell alone.</summary>
internal static class Check
{
    /// <summary>The options; null when something that they need is wrong, which has been reported then.</summary>
    public static TapOptions? Whole(
        Components<ReceiverOptions> receivers,
        Components<TapProcessorOptions> processors,
        Components<ExporterOptions> exporters,
        ImmutableArray<PipelineOptions> pipelines,
        ServiceOptions service,
        Section serviceSection)
    {
        var receiver = One(receivers, "for now one receiver can be used, and this is used already");
        var processor = One(processors, "for now one tap processor can be used, and this is used already");
        var processorOptions = processor?.Options ?? new TapProcessorOptions();
        if (receiver?.Options.Grpc is not { } grpc)
        {
            return null;
        }

        if (grpc.Endpoint.Tcp.Port == service.Admin.Endpoint.Tcp.Port && grpc.Endpoint.Tcp.Port != 0)
        {
            serviceSection.Map("admin").Error("endpoint", $"port {grpc.Endpoint.Tcp.Port} is the one that `{receiver.Id}` receives on: the admin port needs its own");
        }

        if (processorOptions.InFlightBytesMax < grpc.MaxReceiveMessageBytes)
        {
            ReportTooLittleInFlight(receiver.Section, grpc, processor?.Section, processorOptions);
        }

        return new TapOptions
        {
            Receivers = [receiver.Options],
            Processor = processorOptions,
            Exporters = [.. exporters.Used.Select(exporter => exporter.Options)],
            Pipelines = pipelines,
            Service = service,
        };
    }

    // At the number that the operator wrote; it may be either.
    private static void ReportTooLittleInFlight(Section receiver, GrpcReceiverOptions receiverOptions, Section? processor, TapProcessorOptions processorOptions)
    {
        var message = $"a message of `max_recv_msg_size_mib`, {receiverOptions.MaxReceiveMessageBytes >> 20} MiB, must fit into `limits.in_flight_mib` of the tap processor, {processorOptions.InFlightBytesMax >> 20} MiB";
        var limits = processor?.Map("limits");
        if (limits is not null && limits.Has("in_flight_mib"))
        {
            limits.Error("in_flight_mib", message);
        }
        else
        {
            receiver.Map("protocols").Map("grpc").Error("max_recv_msg_size_mib", message);
        }
    }

    private static UsedComponent<T>? One<T>(Components<T> components, string problem)
        where T : class
    {
        var used = components.Used.ToList();
        foreach (var (_, section, _) in used.Skip(1))
        {
            section.Problems.Error(section.Mark, section.Path, $"{problem}: `{used[0].Id}`");
        }

        return used.Count == 0 ? null : new UsedComponent<T>(used[0].Id, used[0].Section, used[0].Options);
    }

    private sealed record UsedComponent<T>(string Id, Section Section, T Options);
}
