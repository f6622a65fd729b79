using OtlpTap.Buffers;
using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Forward.Spool;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Hosting;

/// <summary>
/// The exporters of one configuration, each there once whatever pipelines name it. Does not change; a reload makes the
/// <see cref="Next"/> one, which takes over every exporter whose options stay as they are, with its connections and queues.
/// </summary>
internal sealed class ExporterSet : IAsyncDisposable
{
    private readonly Dictionary<string, ConfiguredExporter> _exporters;

    // Of the sets before: drained by now, or soon. They may still have their files and spools.
    private readonly List<ConfiguredExporter> _ending;
    private readonly TapMetrics _metrics;
    private readonly PayloadPool _payloads;
    private readonly ByteBudget _inFlight;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;

    private ExporterSet(Dictionary<string, ConfiguredExporter> exporters, List<ConfiguredExporter> ending, IReadOnlyList<IExporter> primaries, TapMetrics metrics, PayloadPool payloads, ByteBudget inFlight, TimeProvider time, ILoggerFactory logs)
    {
        _exporters = exporters;
        _ending = ending;
        _metrics = metrics;
        _payloads = payloads;
        _inFlight = inFlight;
        _time = time;
        _logs = logs;
        Primaries = primaries;
    }

    /// <summary>Those that are some pipeline's primary, each once: they decide whether the tap is ready.</summary>
    public IReadOnlyList<IExporter> Primaries { get; }

    /// <exception cref="SpoolException">A spool cannot be opened.</exception>
    public static ExporterSet Create(TapOptions options, TapMetrics metrics, PayloadPool payloads, ByteBudget inFlight, TimeProvider time, ILoggerFactory logs) =>
        new ExporterSet([], [], [], metrics, payloads, inFlight, time, logs).Next(options, out _);

    public IExporter Primary(ExporterOptions exporter) => _exporters[exporter.Id].Primary;

    /// <summary>For use beside a primary: takes a request without waiting.</summary>
    public IExporter Beside(ExporterOptions exporter, Signal signal) => _exporters[exporter.Id].Beside(signal);

    /// <summary>
    /// The exporters of a new configuration. This set is not to be used any more once the pipelines have changed over.
    /// </summary>
    /// <exception cref="SpoolException">A spool that no exporter before has cannot be opened. Nothing has changed then.</exception>
    /// <param name="retired">Those of this set that are not in the next one, to be drained and disposed once no pipeline uses them.</param>
    public ExporterSet Next(TapOptions options, out IReadOnlyList<ConfiguredExporter> retired)
    {
        var next = new Dictionary<string, ConfiguredExporter>(StringComparer.Ordinal);
        try
        {
            foreach (var exporter in options.Exporters)
            {
                next[exporter.Id] = _exporters.TryGetValue(exporter.Id, out var kept) && kept.Options.Equals(exporter)
                    ? kept
                    : new ConfiguredExporter(exporter, _metrics, _payloads, _inFlight, _time, _logs, PredecessorOf(exporter));
            }
        }
        catch (SpoolException)
        {
            // Those made before it go again, and who comes next waits for them.
            foreach (var made in next.Values.Where(exporter => !_exporters.ContainsValue(exporter)))
            {
                _ending.Add(made);
                _ = made.DisposeAsync().AsTask();
            }

            throw;
        }

        retired = [.. _exporters.Values.Where(exporter => !next.ContainsValue(exporter))];
        var primaries = options.Pipelines
            .Select(pipeline => pipeline.Primary)
            .OfType<ExporterOptions>()
            .Select(exporter => next[exporter.Id].Primary)
            .Distinct()
            .ToList();
        return new ExporterSet(next, [.. _ending.Where(exporter => !exporter.Ended.IsCompleted), .. retired], primaries, _metrics, _payloads, _inFlight, _time, _logs);
    }

    /// <summary>Ends when no primary is left to ask.</summary>
    public async Task ProbeAsync(CancellationToken cancellation)
    {
        foreach (var primary in Primaries)
        {
            await primary.ProbeAsync(cancellation);
        }
    }

    /// <inheritdoc cref="ConfiguredExporter.EndWaits"/>
    public void EndWaits()
    {
        foreach (var exporter in _exporters.Values)
        {
            exporter.EndWaits();
        }
    }

    /// <exception cref="OperationCanceledException">The deadline came first.</exception>
    public Task DrainAsync(CancellationToken deadline) => Task.WhenAll(_exporters.Values.Select(exporter => exporter.DrainAsync(deadline)));

    /// <summary>What is still in flight ends with UNAVAILABLE, what is queued is lost and counted.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_exporters.Values.Select(exporter => exporter.DisposeAsync().AsTask()));

    /// <summary>The way back where the set was not taken into use: ends those that <paramref name="kept"/> does not have.</summary>
    public async Task DisposeAllButAsync(ExporterSet kept) =>
        await Task.WhenAll(_exporters.Values.Where(exporter => !kept._exporters.ContainsValue(exporter)).Select(exporter => exporter.DisposeAsync().AsTask()));

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        foreach (var exporter in _exporters.Values)
        {
            exporter.PublishMetrics();
        }
    }

    // Two that write one file at the same time would write into each other's lines, and one spool is never two's: the new
    // one waits for the end of the old one, and of those that it waits for itself.
    private ConfiguredExporter? PredecessorOf(ExporterOptions exporter) => FilesOf(exporter) is not { } files
        ? null
        : _exporters.Values.Concat(Enumerable.Reverse(_ending)).FirstOrDefault(old => !old.Ended.IsCompleted && FilesOf(old.Options) == files);

    private static string? FilesOf(ExporterOptions exporter) => exporter switch
    {
        FileExporterOptions file => Path.GetFullPath(file.Path),
        { Spool: { } spool } => Path.GetFullPath(spool.Directory),
        _ => null,
    };
}
