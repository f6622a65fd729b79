using System.Collections.Immutable;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Configuration;

/// <summary><c>service.pipelines</c>: ties components together.</summary>
internal sealed class PipelineSection(
    Components<ReceiverOptions> receivers,
    Components<ProcessorOptions> processors,
    Components<ExporterOptions> exporters)
{
    private const string Key = "pipelines";

    public ImmutableArray<PipelineOptions> Read(Section service)
    {
        if (!service.Has(Key))
        {
            return Omitted(service);
        }

        var section = service.Map(Key);
        var pipelines = ImmutableArray.CreateBuilder<PipelineOptions>();
        foreach (var (id, type, pipeline) in section.Components("traces|logs|metrics"))
        {
            var signal = SignalOf(type);
            if (signal is null && type.Length > 0)
            {
                section.KeyError(id, $"`{id}` is no pipeline: `traces`, `logs` or `metrics`, each also with `/name`");
            }

            if (signal is not null)
            {
                pipelines.Add(ReadPipeline(id, signal.Value, pipeline, pipelines));
            }
        }

        if (!section.Keys.Any())
        {
            service.KeyError(Key, "at least one pipeline must be defined: without one nothing is received");
        }
        else if (!pipelines.Any(pipeline => pipeline.IsTapped) && !service.Problems.HasErrors)
        {
            service.KeyWarning(Key, "none has the `tap` processor: everything is forwarded, nothing is looked at; add `tap:` to `processors`, and `tap` to the pipelines");
        }

        return pipelines.ToImmutable();
    }

    private PipelineOptions ReadPipeline(string id, Signal signal, Section pipeline, IEnumerable<PipelineOptions> earlier)
    {
        var sources = Use(pipeline, "receivers", receivers, out var receiverCount);
        var used = Use(pipeline, "processors", processors, out var processorCount);
        var targets = Use(pipeline, "exporters", exporters, out var exporterCount);
        var taps = used.OfType<TapProcessor>().Count();
        var primaryId = pipeline.Text("primary");
        pipeline.RefuseUnknownKeys();

        if (receiverCount == 0)
        {
            pipeline.Error("receivers", "at least one receiver must be named");
        }

        if (taps > 1)
        {
            pipeline.Error("processors", "a pipeline has one tap processor");
        }

        if (taps + exporterCount == 0 && used.Count == processorCount)
        {
            pipeline.Error("exporters", "neither an exporter nor the tap processor is named: what is received would be lost");
        }

        foreach (var source in sources)
        {
            if (earlier.FirstOrDefault(other => other.Signal == signal && other.Receivers.Contains(source.Id)) is { } first)
            {
                pipeline.Error("receivers", $"`{first.Id}` takes {NameOf(signal)} from `{source.Id}` already: put the exporters into one pipeline");
            }
        }

        foreach (var target in targets.OfType<OtlpHttpExporterOptions>().Where(target => !OtlpHttpExporterSection.Takes(target, signal)))
        {
            pipeline.Error("exporters", $"`{target.Id}` has no endpoint for {NameOf(signal)}: set its `endpoint`, or `{NameOf(signal)}_endpoint`");
        }

        var primary = Primary(pipeline, primaryId, targets, exporterCount);
        return new PipelineOptions(id, signal, [.. sources.Select(receiver => receiver.Id)], taps > 0, primary, [.. targets.Where(target => target != primary)]);
    }

    /// <summary>Whose answer is the sender's: the one that is named, the only one, or the only one that speaks OTLP.</summary>
    private static ExporterOptions? Primary(Section pipeline, string? id, List<ExporterOptions> targets, int exporterCount)
    {
        if (id is not null)
        {
            var named = targets.Find(target => target.Id == id);
            if (named is null && targets.Count == exporterCount)
            {
                var ids = targets.Select(target => target.Id).ToList();
                var help = NearestName.Find(id, ids) is { } nearest ? $"did you mean `{nearest}`?" : $"its exporters are: {string.Join(", ", ids)}";
                pipeline.Error("primary", $"`{id}` is no exporter of this pipeline; {help}");
            }

            return named;
        }

        if (exporterCount <= 1)
        {
            return targets.Count > 0 ? targets[0] : null;
        }

        var upstreams = targets.Where(target => target is OtlpGrpcExporterOptions or OtlpHttpExporterOptions).ToList();
        if (upstreams.Count == 1)
        {
            return upstreams[0];
        }

        // What is missing may be what was wrong, and has been reported.
        if (targets.Count == exporterCount)
        {
            pipeline.Error("exporters", $"no primary: the answer of one exporter is the sender's, say whose with `primary: {(upstreams.Count > 0 ? upstreams[0] : targets[0]).Id}`");
        }

        return null;
    }

    // What is named and was read without an error, each once; the count is of all that are named.
    private static List<T> Use<T>(Section pipeline, string key, Components<T> components, out int count)
        where T : class
    {
        var options = new List<T>();
        var ids = pipeline.TextList(key) ?? [];
        count = ids.Length;
        for (var i = 0; i < ids.Length; i++)
        {
            var path = $"{pipeline.PathOf(key)}[{i}]";
            if (ids.Take(i).Any(earlier => earlier.Text == ids[i].Text))
            {
                pipeline.Problems.Error(ids[i].Mark, path, $"`{ids[i].Text}` is named twice");
                count--;
            }
            else if (components.Use(ids[i].Text, ids[i].Mark, path, pipeline.Problems) is { } component)
            {
                options.Add(component);
            }
        }

        return options;
    }

    // Nothing written: every signal goes from what receives through the tap to the exporter, where there is one.
    private ImmutableArray<PipelineOptions> Omitted(Section service)
    {
        if (exporters.Count > 1)
        {
            service.Error(Key, "must be set: there are several exporters, and which signal goes to which is not said");
        }

        if (receivers.Count == 0 && !service.Problems.HasErrors)
        {
            service.Error(Key, "must be set, and name a receiver: `receivers` defines none");
        }

        receivers.UseAll();
        processors.UseAll();
        exporters.UseAll();
        var exporter = exporters.Used.FirstOrDefault().Options;
        var isTapped = processors.Used.Any(processor => processor.Options is TapProcessor);
        ImmutableArray<string> sources = [.. receivers.Used.Select(receiver => receiver.Id)];
        var pipelines = ImmutableArray.CreateBuilder<PipelineOptions>();
        foreach (var signal in Enum.GetValues<Signal>())
        {
            // An exporter for some signals only is one for these.
            if (exporter is not OtlpHttpExporterOptions http || OtlpHttpExporterSection.Takes(http, signal))
            {
                pipelines.Add(new PipelineOptions(NameOf(signal), signal, sources, isTapped, exporter, []));
            }
        }

        return pipelines.ToImmutable();
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
