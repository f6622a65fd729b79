using System.Threading.Channels;
using OtlpTap.Corpus;
using OtlpTap.Metrics;

namespace OtlpTap.Pull;

/// <summary>
/// Fetches the traces of late verdicts from Tempo, when the recorder has nothing of them any more: one at a time, behind a
/// bounded queue. What comes back goes to the schedule of captures again; what does not is ended there, and counted.
/// </summary>
internal sealed class LateTraces : IDisposable
{
    // Feedback on an old session comes in dozens; a backfill of thousands is what `otlptap pull` is for.
    private const int WaitingMax = 256;

    private readonly TempoBackend _backend;
    private readonly CaptureScheduler _scheduler;
    private readonly CorpusMetrics _corpus;
    private readonly PullMetrics _metrics;
    private readonly ILogger<LateTraces> _logger;
    private readonly Channel<Capture> _waiting = Channel.CreateBounded<Capture>(new BoundedChannelOptions(WaitingMax) { SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    public LateTraces(PullOptions options, CaptureScheduler scheduler, CorpusMetrics corpus, PullMetrics metrics, TimeProvider time, ILogger<LateTraces> logger)
    {
        _backend = new TempoBackend(options, time, logger);
        _scheduler = scheduler;
        _corpus = corpus;
        _metrics = metrics;
        _logger = logger;
    }

    public void Start() => _running = Task.Run(RunAsync);

    /// <inheritdoc cref="FetchElsewhere"/>
    public bool TryFetch(Capture capture)
    {
        if (_waiting.Writer.TryWrite(capture))
        {
            return true;
        }

        _metrics.LateTrace(LateFetchOutcome.QueueFull);
        return false;
    }

    public void PublishMetrics() => _metrics.Sampled(_waiting.Reader.Count);

    /// <summary>What still waits is left to the next start where there is a journal, and otherwise dropped and counted.</summary>
    public async Task StopAsync()
    {
        _waiting.Writer.TryComplete();
        await _stopping.CancelAsync();
        await _running;
        while (_waiting.Reader.TryRead(out _))
        {
            LeaveBehind();
        }
    }

    public void Dispose()
    {
        _backend.Dispose();
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        await foreach (var capture in _waiting.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (_stopping.IsCancellationRequested)
            {
                LeaveBehind();
                continue;
            }

            try
            {
                await FetchAsync(capture);
            }
            catch (OperationCanceledException)
            {
                LeaveBehind();
            }
            catch (Exception exception) // the edge of the loop: one bad answer must not end the fetching of all others
            {
                _logger.FetchFailed(exception);
                Drop(capture, LateFetchOutcome.Failed);
            }
        }
    }

    private async Task FetchAsync(Capture capture)
    {
        var answer = await _backend.FetchAsync(capture.TraceId, _stopping.Token);
        if (answer.Trace is { } trace)
        {
            _metrics.LateTrace(LateFetchOutcome.Found);
            capture.Fetched = trace;
            _scheduler.PutBack(capture, TimeSpan.Zero);
            _scheduler.Changed?.Invoke();
            return;
        }

        if (answer.Failed is { } failed)
        {
            _logger.NotFetched(capture.TraceId, failed.Cause);
        }

        Drop(capture, answer.Failed is null ? LateFetchOutcome.NotFound : LateFetchOutcome.Failed);
    }

    private void Drop(Capture capture, LateFetchOutcome outcome)
    {
        _metrics.LateTrace(outcome);
        _corpus.CaptureDropped(CaptureDropReason.NotRecorded);
        _scheduler.Ended(capture);
    }

    private void LeaveBehind()
    {
        _metrics.LateTrace(LateFetchOutcome.Shutdown);
        if (!_scheduler.IsJournaled)
        {
            _corpus.CaptureDropped(CaptureDropReason.Shutdown);
        }
    }
}
