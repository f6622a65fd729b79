using System.Collections.Immutable;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Configuration;

/// <summary><c>service</c>: the admin port and the pipelines that tie components together.</summary>
internal static class ServiceSection
{
    public static ServiceOptions ReadOptions(Section service)
    {
        var defaults = new ServiceOptions();
        var admin = service.Map("admin");
        var options = new ServiceOptions
        {
            Admin = defaults.Admin with { Endpoint = new ListenAddress(admin.Listen("endpoint", defaults.Admin.Endpoint.Tcp), null) },
            ShutdownDeadline = service.Duration("shutdown_deadline", defaults.ShutdownDeadline, TimeSpan.Zero, TimeSpan.FromMinutes(10)),
        };
        admin.RefuseUnknownKeys();
        service.Refuse(["telemetry"], "the tap's own metrics are at /metrics of `service.admin.endpoint`: remove it");
        service.Refuse(["extensions"], "the tap has no extensions; health is at /healthz and /readyz of `service.admin.endpoint`: remove it");
        return options;
    }

    public static ImmutableArray<PipelineOptions> ReadPipelines(
        Section service,
        Components<ReceiverOptions> receivers,
        Components<TapProcessorOptions> processors,
        Components<ExporterOptions> exporters)
    {
        const string Key = "pipelines";
        if (!service.Has(Key))
        {
            return Omitted(service, receivers, processors, exporters);
        }

        var section = service.Map(Key);
        var pipelines = ImmutableArray.CreateBuilder<PipelineOptions>();
        foreach (var (id, type, pipeline) in section.Components())
        {
            if (SignalOf(type) is not { } signal)
            {
                section.KeyError(id, $"`{id}` is no pipeline: `traces`, `logs` or `metrics`, each also with `/name`");
                continue;
            }

            if (pipelines.FirstOrDefault(other => other.Signal == signal) is { } first)
            {
                section.KeyError(id, $"`{first.Id}` is a pipeline for the same signal: for now there can be one for each signal");
            }

            pipelines.Add(ReadPipeline(id, signal, pipeline, receivers, processors, exporters));
        }

        if (!section.Keys.Any())
        {
            service.KeyError(Key, "at least one pipeline must be defined: without one nothing is received");
        }

        return pipelines.ToImmutable();
    }

    private static PipelineOptions ReadPipeline(
        string id,
        Signal signal,
        Section pipeline,
        Components<ReceiverOptions> receivers,
        Components<TapProcessorOptions> processors,
        Components<ExporterOptions> exporters)
    {
        var sources = new List<ReceiverOptions>();
        var receiverCount = Use(pipeline, "receivers", receivers, sources);
        var taps = new List<TapProcessorOptions>();
        var processorCount = Use(pipeline, "processors", processors, taps);
        var targets = new List<ExporterOptions>();
        var exporterCount = Use(pipeline, "exporters", exporters, targets);
        pipeline.RefuseUnknownKeys();

        if (receiverCount == 0)
        {
            pipeline.Error("receivers", "at least one receiver must be named");
        }

        if (taps.Count > 1)
        {
            pipeline.Error("processors", "a pipeline has one tap processor");
        }

        if (exporterCount > 1)
        {
            pipeline.Error("exporters", "for now a pipeline has one exporter, whose answer is the sender's");
        }

        if (processorCount + exporterCount == 0)
        {
            pipeline.Error("exporters", "neither an exporter nor the tap processor is named: what is received would be lost");
        }

        return new PipelineOptions(id, signal, [.. sources.Select(receiver => receiver.Id)], processorCount > 0, targets.FirstOrDefault(), []);
    }

    // How many are named; what they name is added to the list.
    private static int Use<T>(Section pipeline, string key, Components<T> components, List<T> options)
        where T : class
    {
        var ids = pipeline.TextList(key) ?? [];
        for (var i = 0; i < ids.Length; i++)
        {
            if (components.Use(ids[i].Text, ids[i].Mark, $"{pipeline.PathOf(key)}[{i}]", pipeline.Problems) is { } component)
            {
                options.Add(component);
            }
        }

        return ids.Length;
    }

    // Nothing written: every signal goes from what receives through the tap to the exporter, where there is one.
    private static ImmutableArray<PipelineOptions> Omitted(
        Section service,
        Components<ReceiverOptions> receivers,
        Components<TapProcessorOptions> processors,
        Components<ExporterOptions> exporters)
    {
        if (exporters.Count > 1)
        {
            service.Error("pipelines", "must be set: there are several exporters, and which signal goes to which is not said");
        }

        if (receivers.Count == 0 && !service.Problems.HasErrors)
        {
            service.Error("pipelines", "must be set, and name a receiver: `receivers` defines none");
        }

        receivers.UseAll();
        processors.UseAll();
        exporters.UseAll();
        var exporter = exporters.Used.FirstOrDefault().Options;
        ImmutableArray<string> sources = [.. receivers.Used.Select(receiver => receiver.Id)];
        return [.. Enum.GetValues<Signal>().Select(signal => new PipelineOptions(NameOf(signal), signal, sources, processors.Count > 0, exporter, []))];
    }

    private static Signal? SignalOf(string type) => type switch
    {
        "traces" => Signal.Traces,
        "logs" => Signal.Logs,
        "metrics" => Signal.Metrics,
        _ => null,
    };

    private static string NameOf(Signal signal) => signal switch
    {
        Signal.Traces => "traces",
        Signal.Logs => "logs",
        _ => "metrics",
    };
}
