using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Recorder;

namespace OtlpTap.Corpus;

/// <summary>Told of each case when all its files are in place.</summary>
internal delegate void CaseHandler(Capture capture, CaseResult result);

/// <summary>
/// Works off the schedule: waits for the next capture to be due, has it written, tries again what failed. One case at
/// a time: writing needs a few times the case's size in memory, and that is thereby bounded.
/// </summary>
internal sealed class CaptureLoop
{
    // With the delays of 1, 2 and 4 s a disk has 7 s to recover; then others wait for the place in the queue.
    private const int AttemptsMax = 4;
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromSeconds(1);

    // A person follows ten cases; the tenth thousandth of an hour only fills the log. Counters have them all.
    private const int LinesMax = 10;
    private static readonly TimeSpan LinesInterval = TimeSpan.FromSeconds(10);

    private readonly CorpusOptions _options;
    private readonly CaptureScheduler _scheduler;
    private readonly CaseWriter _writer;
    private readonly CorpusMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<CaptureLoop> _logger;
    private readonly CaseHandler? _written;

    private readonly Bell _bell = new();

    private Task _running = Task.CompletedTask;
    private volatile bool _stopping;

    // Whoever wants the counts on disk.
    private TaskCompletionSource? _countsWanted;

    // The loop alone.
    private bool _isFailing;
    private bool _isFull;
    private int _givenUp;
    private int _leftOver;
    private long _countsWrittenAt;
    private readonly LogAllowance _lines;

    public CaptureLoop(
        CorpusOptions options,
        CaptureScheduler scheduler,
        CaseWriter writer,
        CorpusMetrics metrics,
        TimeProvider time,
        ILogger<CaptureLoop> logger,
        CaseHandler? written = null)
    {
        _options = options;
        _scheduler = scheduler;
        _writer = writer;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _written = written;
        _lines = new LogAllowance(LinesMax, LinesInterval, time);
        _countsWrittenAt = time.GetTimestamp();
        scheduler.Changed = _bell.Ring;
    }

    /// <summary>Asked for captures of which the recorder has nothing; set before the start.</summary>
    public FetchElsewhere? Elsewhere { get; set; }

    /// <summary>On a thread of its own: it reads and writes files, and where much fails it never rests; the pool has few threads.</summary>
    public void Start() => _running = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>
    /// Stops waiting and writes all pending captures at once, due or not. What is not written within
    /// <paramref name="deadline"/> is counted and logged. To be called when nothing is recorded any more.
    /// </summary>
    public async Task FlushAsync(TimeSpan deadline)
    {
        var started = _time.GetTimestamp();
        _stopping = true;
        _bell.Ring();

        // Writes cannot be cancelled: one that hangs (a network file system) is left behind when the time is over.
        var flushing = Task.Run(async () =>
        {
            await _running;
            while (_time.GetElapsedTime(started) < deadline && _scheduler.TakeDue(early: true, out _) is { } capture)
            {
                Handle(capture, isLastAttempt: true);
            }

            WriteCounts();
        });
        await Task.WhenAny(flushing, Task.Delay(deadline, _time));

        var left = _scheduler.PendingCount + (flushing.IsCompleted ? 0 : 1) + _leftOver;
        if (left > 0 && _scheduler.IsJournaled)
        {
            _logger.LeftForNextStart(left, deadline);
        }
        else if (left > 0)
        {
            _metrics.CaptureDropped(CaptureDropReason.Shutdown, left);
            _logger.NotWrittenInTime(left, deadline);
        }
    }

    /// <summary>Has the counts written that are in memory only; done when they are, or could not be. Any thread.</summary>
    public Task WriteCountsAsync()
    {
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var wanted = Interlocked.CompareExchange(ref _countsWanted, mine, null) ?? mine;
        _bell.Ring();
        return wanted.Task;
    }

    /// <summary>Writes everything that is due and returns how long until there may be more.</summary>
    internal TimeSpan WriteDue()
    {
        while (!_stopping)
        {
            WriteCountsIfWanted();
            if (_scheduler.TakeDue(early: false, out var wait) is not { } capture)
            {
                return WriteCountsIfDue(wait);
            }

            Handle(capture, isLastAttempt: false);
        }

        return TimeSpan.Zero;
    }

    /// <summary>Counts change with each occurrence; they are written at most every so often.</summary>
    private TimeSpan WriteCountsIfDue(TimeSpan wait)
    {
        var since = _time.GetElapsedTime(_countsWrittenAt);
        if (since >= _options.SeenInterval)
        {
            WriteCounts();
            since = TimeSpan.Zero;
        }

        var left = _options.SeenInterval - since;
        return wait == Timeout.InfiniteTimeSpan || left < wait ? left : wait;
    }

    private void WriteCountsIfWanted()
    {
        // Taken first: who asks from now on wants what is counted from now on.
        if (Interlocked.Exchange(ref _countsWanted, null) is { } wanted)
        {
            WriteCounts();
            wanted.SetResult();
        }
    }

    private void WriteCounts()
    {
        _countsWrittenAt = _time.GetTimestamp();
        try
        {
            _writer.WriteCounts();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // They stay in memory and are tried again; that nothing can be written is said by the next case.
            _metrics.WriteRetried();
        }
    }

    private void Run()
    {
        using var timer = _time.CreateTimer(static bell => ((Bell)bell!).Ring(), _bell, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (!_stopping)
        {
            var wait = WriteDue();
            timer.Change(wait, Timeout.InfiniteTimeSpan);
            _bell.Wait();
        }

        WriteCountsIfWanted();
    }

    private void Handle(Capture capture, bool isLastAttempt)
    {
        var started = _time.GetTimestamp();
        var isOver = true;
        try
        {
            isOver = IsFinished(capture, _writer.Write(capture), isLastAttempt);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            isOver = IsGivenUp(capture, exception, isLastAttempt);
        }
        catch (Exception exception) // the edge of the loop: one bad trace must not end the writing of all others
        {
            _metrics.CaseFailed(CaseFailReason.Internal);
            if (MayLog())
            {
                _logger.CaseFailed(capture.TraceId, exception);
            }
        }

        if (isOver)
        {
            _scheduler.Ended(capture);
        }

        _metrics.Handled(_time.GetElapsedTime(started));
    }

    /// <summary>False: it comes back.</summary>
    private bool IsFinished(Capture capture, in CaseResult result, bool isLastAttempt)
    {
        switch (result.Outcome)
        {
            case CaseOutcome.Written:
                _metrics.CaseWritten();
                if (MayLog())
                {
                    _logger.CaseWritten(result.Failure, capture.TraceId, result.Path);
                }

                WritingWorks();
                _written?.Invoke(capture, result);
                break;

            case CaseOutcome.Updated:
                _metrics.CaseUpdated();
                if (MayLog())
                {
                    _logger.CaseUpdated(result.Failure, capture.TraceId, result.Path);
                }

                WritingWorks();
                _written?.Invoke(capture, result);
                break;

            case CaseOutcome.Regressed:
                _metrics.CaseUpdated();
                _logger.CaseRegressed(result.Failure, capture.TraceId, result.Path);
                WritingWorks();
                _written?.Invoke(capture, result);
                break;

            case CaseOutcome.Counted or CaseOutcome.Unchanged:
                break;

            case CaseOutcome.HourlyLimit:
                _metrics.CaptureDropped(CaptureDropReason.HourlyLimit);
                break;

            case CaseOutcome.NotRecorded when capture.Fetched is null && !isLastAttempt && Elsewhere?.Invoke(capture) == true:
                return false;

            case CaseOutcome.NotRecorded:
                _metrics.CaptureDropped(CaptureDropReason.NotRecorded);
                break;

            case CaseOutcome.DirectoryFull:
                _metrics.CaptureDropped(CaptureDropReason.DirectoryFull);
                if (!_isFull)
                {
                    _isFull = true;
                    _logger.DirectoryFull(_options.Directory, _options.DirectoryBytesMax);
                }

                break;
        }

        return true;
    }

    private bool IsGivenUp(Capture capture, Exception exception, bool isLastAttempt)
    {
        // Said once when it begins: a full disk meets every case alike.
        if (!_isFailing)
        {
            _isFailing = true;
            _logger.WritingFails(_options.Directory, exception.Message);
        }

        if (++capture.Attempts < AttemptsMax && !isLastAttempt)
        {
            _metrics.WriteRetried();
            _scheduler.PutBack(capture, FirstRetryDelay * (1 << (capture.Attempts - 1)));
            return false;
        }

        if (isLastAttempt && _scheduler.IsJournaled)
        {
            _leftOver++;
            return false;
        }

        _metrics.CaseFailed(ReasonOf(exception));
        _givenUp++;
        return true;
    }

    private bool MayLog()
    {
        var may = _lines.TryTake(out var leftOut);
        if (leftOut > 0)
        {
            _logger.CasesNotNamed(leftOut);
        }

        return may;
    }

    private void WritingWorks()
    {
        _isFull = false;
        if (_isFailing)
        {
            _isFailing = false;
            _logger.WritingWorksAgain(_options.Directory, _givenUp);
            _givenUp = 0;
        }
    }

    // On Unix the error number is the HResult: https://github.com/dotnet/runtime, Interop.IOErrors.cs.
    private static CaseFailReason ReasonOf(Exception exception)
    {
        const int NoSpace = 28;
        const int ReadOnlyFileSystem = 30;
        const int QuotaExceeded = 122;
        const int WindowsDiskFull = unchecked((int)0x80070070);
        return exception switch
        {
            UnauthorizedAccessException or { HResult: ReadOnlyFileSystem } => CaseFailReason.AccessDenied,
            { HResult: NoSpace or QuotaExceeded or WindowsDiskFull } => CaseFailReason.DiskFull,
            _ => CaseFailReason.Io,
        };
    }
}
