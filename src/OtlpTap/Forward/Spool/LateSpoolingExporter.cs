using OtlpTap.Buffers;
using OtlpTap.Forward.Retrying;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>
/// A <see cref="SpoolingExporter"/> whose spool may come later: after a reload the exporter from before still has the
/// directory, until it has answered its last sender. Meanwhile, and as long as the directory cannot be opened, this is the
/// exporter without a spool: a failure is the sender's, who comes again.
/// </summary>
internal sealed class LateSpoolingExporter : IExporter
{
    // Between two attempts at a directory that cannot be opened.
    private static readonly RetryOptions Attempts = new() { InitialInterval = TimeSpan.FromSeconds(1), Multiplier = 2, IntervalMax = TimeSpan.FromMinutes(1), RandomizationFactor = 0 };

    private readonly IExporter _inner;
    private readonly string _directory;
    private readonly Func<SpoolingExporter> _open;
    private readonly SpoolMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _opening = Task.CompletedTask;

    private volatile SpoolingExporter? _spooling;

    /// <summary>Takes over <paramref name="inner"/>, which stays the caller's where this throws.</summary>
    /// <param name="directory">The spool's, for people.</param>
    /// <param name="open">Opens the spool around <paramref name="inner"/>.</param>
    /// <param name="predecessor">Ends when the exporter that has the directory has let go of it; null where none has, and the spool is opened at once.</param>
    /// <exception cref="SpoolException">There is no predecessor, and the directory cannot be used.</exception>
    public LateSpoolingExporter(IExporter inner, string directory, Func<SpoolingExporter> open, Task? predecessor, SpoolMetrics metrics, TimeProvider time, ILogger<SpoolingExporter> log)
    {
        _inner = inner;
        _directory = directory;
        _open = open;
        _metrics = metrics;
        _time = time;
        _log = log;
        if (predecessor is null)
        {
            _spooling = open();
        }
        else
        {
            _opening = OpenAsync(predecessor);
        }
    }

    public string Id => _inner.Id;

    public bool IsReachable => Now.IsReachable;

    private IExporter Now => (IExporter?)_spooling ?? _inner;

    public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation) =>
        Now.ExportAsync(signal, payload, metadata, cancellation);

    public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => Now.ProbeAsync(cancellation);

    /// <summary>A spool that is not open by now is not opened any more.</summary>
    public async Task DrainAsync(CancellationToken deadline)
    {
        await EndOpeningAsync();
        await Now.DrainAsync(deadline);
    }

    public async ValueTask DisposeAsync()
    {
        await EndOpeningAsync();
        await Now.DisposeAsync();
    }

    /// <summary>Before each scrape.</summary>
    public void PublishMetrics()
    {
        // The numbers of a spool that another has are the other's to say.
        _metrics.OpenSampled(_spooling is { IsClosed: false });
        _spooling?.PublishMetrics();
    }

    private async Task EndOpeningAsync()
    {
        await _stopping.CancelAsync();
        await _opening;
    }

    private async Task OpenAsync(Task predecessor)
    {
        try
        {
            _log.WaitsForSpool(Id, _directory);
            await predecessor.WaitAsync(_stopping.Token);
            var schedule = new RetrySchedule(Attempts, Random.Shared);
            while (!TryOpen(out var problem))
            {
                var wait = schedule.Next();
                _log.SpoolNotOpened(Id, problem.Message, wait.TotalSeconds);
                await Task.Delay(wait, _time, _stopping.Token);
            }

            _log.SpoolOpened(Id, _directory);
        }
        catch (OperationCanceledException)
        {
            // The exporter ends before it had a spool: what is in the directory stays for the next one.
        }
    }

    private bool TryOpen(out Exception problem)
    {
        problem = null!;
        try
        {
            _spooling = _open();
            return true;
        }
        catch (SpoolException exception)
        {
            problem = exception;
        }
        catch (Exception exception) // the edge of a background task: what went wrong this time need not the next
        {
            _metrics.Faulted();
            _log.Faulted(Id, exception);
            problem = exception;
        }

        _metrics.NotOpened();
        return false;
    }
}
