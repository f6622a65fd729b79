using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Forward.Files;
using OtlpTap.Forward.Printing;
using OtlpTap.Forward.Queueing;
using OtlpTap.Forward.Retrying;
using OtlpTap.Forward.Spool;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Hosting;

/// <summary>
/// One of <c>exporters</c> with all that stands in front of it. Its place (an upstream, a file, the console) is there once;
/// what uses it as the primary comes to it at once, what uses it beside another comes through a queue.
/// <code>
///   a pipeline's primary ─▶ [retries, where they are written] ──────────────────▶ the place
///   beside a primary     ─▶ queue of the signal ─▶ [retries, unless refused] ───▶
///   with a spool, which retries what it has, it stands before the place: a primary's answer is its answer, and the
///   retries beside a primary are for what it refuses, full or without its directory
/// </code>
/// Everything here is owned here: of exporters around another only the spool disposes it.
/// </summary>
internal sealed class ConfiguredExporter : IAsyncDisposable
{
    private readonly ExporterMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;
    private readonly IExporter _place;
    private readonly Outstanding _outstanding;
    private readonly LateSpoolingExporter? _spool;
    private readonly RetryingExporter? _primaryRetries;
    private readonly RetryingExporter? _queuedRetries;
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Indexed by Signal; made when a pipeline first asks, by the thread that puts pipelines together. Read by scrapes.
    private readonly QueuedExporter?[] _queues = new QueuedExporter?[Enum.GetValues<Signal>().Length];

    /// <param name="inFlight">Counts what requests become on their way out, where that is other bytes.</param>
    /// <param name="predecessor">The exporter with the same file or spool, which ends with a reload; null where there is none.</param>
    /// <exception cref="SpoolException">Its spool, which no predecessor has, cannot be opened.</exception>
    public ConfiguredExporter(ExporterOptions options, TapMetrics metrics, PayloadPool payloads, ByteBudget inFlight, TimeProvider time, ILoggerFactory logs, ConfiguredExporter? predecessor)
    {
        Options = options;
        _metrics = new ExporterMetrics(metrics.Factory, options.Id);
        _time = time;
        _logs = logs;
        Ended = predecessor is null ? _disposed.Task : Task.WhenAll(predecessor.Ended, _disposed.Task);
        switch (options)
        {
            case OtlpGrpcExporterOptions grpc:
                var overGrpc = Forwarders.Create(grpc, payloads, inFlight, new ForwardMetrics(metrics.Factory, options.Id), time, logs);
                (_place, _outstanding, Primary) = (overGrpc, overGrpc.Outstanding, overGrpc.LastWord);
                break;

            case OtlpHttpExporterOptions http:
                var overHttp = Forwarders.Create(http, payloads, inFlight, new ForwardMetrics(metrics.Factory, options.Id), time, logs);
                (_place, _outstanding, Primary) = (overHttp, overHttp.Outstanding, overHttp.LastWord);
                break;

            case FileExporterOptions file:
                var writer = new FileExporter(file, _metrics, time, logs.CreateLogger<FileExporter>(), predecessor?.Ended);
                (_place, _outstanding, Primary) = (writer, writer.Outstanding, new CountedExporter(writer, _metrics));
                break;

            case DebugExporterOptions debug:
                var printer = new DebugExporter(debug, Console.Out, _metrics, time, logs.CreateLogger<DebugExporter>());
                (_place, _outstanding, Primary) = (printer, printer.Outstanding, printer);
                break;

            default:
                throw new InvalidOperationException($"A checked configuration has an exporter that the tap lacks: {options.GetType().Name}.");
        }

        if (options.Spool is { } spool)
        {
            var spoolMetrics = new SpoolMetrics(metrics.Factory, options.Id);
            var log = logs.CreateLogger<SpoolingExporter>();
            try
            {
                _spool = new LateSpoolingExporter(
                    _place,
                    spool.Directory,
                    () => SpoolingExporter.Open(_place, spool, options.Retry ?? new RetryOptions(), payloads, spoolMetrics, _metrics, time, log),
                    predecessor?.Ended,
                    spoolMetrics,
                    time,
                    log);
            }
            catch (SpoolException)
            {
                _ = _place.DisposeAsync().AsTask(); // it has nothing in flight
                throw;
            }

            Primary = new CountedExporter(_spool, _metrics);
        }
        else if (options.Retry is not null)
        {
            _primaryRetries = CreateRetries(options.Retry);
            Primary = new CountedExporter(_primaryRetries, _metrics);
        }

        if (!options.IsRetryRefused)
        {
            _queuedRetries = CreateRetries(options.Retry ?? new RetryOptions());
        }
    }

    public ExporterOptions Options { get; }

    /// <summary>Ends when its file or spool is free: this one was disposed, and so was every one before it.</summary>
    public Task Ended { get; }

    /// <summary>For the pipelines whose answer it gives.</summary>
    public IExporter Primary { get; }

    /// <summary>For the pipelines of a signal that have another primary: never waits. The console has a queue of its own already.</summary>
    public IExporter Beside(Signal signal) => _place is DebugExporter
        ? _place
        : _queues[(int)signal] ??= new QueuedExporter(signal, _queuedRetries ?? Place, Options.Queue, _metrics, _time, _logs.CreateLogger<QueuedExporter>());

    /// <summary>Senders that wait for the next attempt get the last reply now: before a shutdown waits for them.</summary>
    public void EndWaits() => _primaryRetries?.EndWaits();

    /// <exception cref="OperationCanceledException">The deadline came first.</exception>
    public async Task DrainAsync(CancellationToken deadline)
    {
        await Task.WhenAll(Queues().Select(queue => queue.DrainAsync(deadline)));
        foreach (var retries in Retries())
        {
            await retries.DrainAsync(deadline);
        }

        await Place.DrainAsync(deadline);
    }

    /// <summary>From the front to the back; what is still in flight ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(Queues().Select(queue => queue.DisposeAsync().AsTask()));
        foreach (var retries in Retries())
        {
            await retries.DisposeAsync();
        }

        await Place.DisposeAsync();
        PublishMetrics();
        _disposed.TrySetResult();
    }

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        foreach (var queue in Queues())
        {
            queue.PublishMetrics();
        }

        _spool?.PublishMetrics();
        foreach (var signal in Enum.GetValues<Signal>())
        {
            _metrics.InFlightSampled(signal, _outstanding[signal] + Retries().Sum(retries => retries.Waiting(signal)));
        }
    }

    private IExporter Place => (IExporter?)_spool ?? _place;

    private IEnumerable<QueuedExporter> Queues() => _queues.OfType<QueuedExporter>();

    private IEnumerable<RetryingExporter> Retries() => new[] { _primaryRetries, _queuedRetries }.OfType<RetryingExporter>();

    private RetryingExporter CreateRetries(RetryOptions options) => new(Place, options, _metrics, _time, Random.Shared);
}
