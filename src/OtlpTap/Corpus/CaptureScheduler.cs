using OtlpTap.Corpus.Journal;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Scan;
using OtlpTap.Tee;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>
/// Decides which traces are written as cases, and when: a trace with a verdict once it has been quiet for the settle
/// time; a trace that has its case once later spans came. It only keeps the schedule; <see cref="CaptureLoop"/> works it off.
/// Everything it keeps is bounded by count, and what does not fit is dropped and counted with a reason.
/// <para>
/// One lock: the recorder's thread takes it once for each request, the loop for each capture. Neither is a request's thread.
/// </para>
/// </summary>
internal sealed class CaptureScheduler
{
    private readonly CorpusOptions _options;
    private readonly CorpusMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly long _settle;
    private readonly long _lateWindow;

    // Everything below is guarded by the gate.
    private readonly Lock _gate = new();
    private readonly PendingCaptures _pending;
    private readonly RecentTraces _recent;
    private readonly CaptureJournal? _journal;
    private readonly List<Capture> _taken = [];
    private ulong _lastNumber;

    /// <param name="journal">Where the schedule survives a restart; null where the recorder does not.</param>
    public CaptureScheduler(CorpusOptions options, CorpusMetrics metrics, TimeProvider time, CaptureJournal? journal = null)
    {
        _journal = journal;
        _options = options;
        _metrics = metrics;
        _time = time;
        _settle = TimestampsIn(options.Settle);
        _lateWindow = TimestampsIn(options.LateWindow);
        _pending = new PendingCaptures(_settle, TimestampsIn(options.SettleMax));
        _recent = new RecentTraces(options.LateTracesMax);
    }

    /// <summary>Called, on any thread, when the next due time may have become earlier.</summary>
    public Action? Changed { get; set; }

    public int PendingCount
    {
        get
        {
            lock (_gate)
            {
                return _pending.Count;
            }
        }
    }

    public int RecentCount
    {
        get
        {
            lock (_gate)
            {
                return _recent.Count;
            }
        }
    }

    /// <summary>Whether what waits when the process ends is carried out by the next one.</summary>
    public bool IsJournaled
    {
        get
        {
            lock (_gate)
            {
                return _journal is { IsOpen: true };
            }
        }
    }

    /// <summary>The handler of recorded requests: verdicts of the rules, and further spans of traces that have one.</summary>
    public void Recorded(in TeeItem item) => LookAt(item.Scan, isNew: true);

    /// <summary>The same for a request that an earlier process recorded and may not have looked at.</summary>
    public void LookAgain(ScanResult scan) => LookAt(scan, isNew: false);

    /// <summary>Puts in what an earlier process left, which is due once it was quiet for the settle time again. Before anything else.</summary>
    public void Restore(JournalState state)
    {
        var now = _time.GetTimestamp();
        var unixNow = UnixTime.Now(_time);
        lock (_gate)
        {
            foreach (var (trace, expires) in state.Recent)
            {
                if (expires > unixNow)
                {
                    _recent.Add(trace, now + Math.Min(TimestampsIn(UnixTime.FromNanoseconds(expires - unixNow)), _lateWindow));
                }
            }

            foreach (var left in state.Captures)
            {
                _lastNumber = Math.Max(_lastNumber, left.Number);
                if (!_pending.TryGet(left.TraceId, out var capture))
                {
                    var age = TimestampsIn(UnixTime.FromNanoseconds(Math.Max(0, unixNow - left.ScheduledUnixNano)));
                    capture = new Capture(left.TraceId, now - age, left.IsUpdate) { Number = left.Number, DueAt = now + _settle };
                    _pending.Add(capture);
                }

                foreach (var verdict in left.Verdicts)
                {
                    AddVerdict(capture, verdict);
                }
            }

            WriteSnapshot();
        }

        Changed?.Invoke();
    }

    /// <summary>All that an earlier process recorded has been looked at.</summary>
    public void CaughtUp(long position)
    {
        lock (_gate)
        {
            _journal?.CaughtUp(position);
            WriteSnapshot();
        }
    }

    /// <summary>A capture that was taken has become what it could.</summary>
    public void Ended(Capture capture)
    {
        lock (_gate)
        {
            _taken.Remove(capture);
            _journal?.Ended(capture.Number, capture.TraceId, UnixTime.Now(_time) + UnixTime.ToNanoseconds(_options.LateWindow));
            Write();
        }

        capture.Handled?.TrySetResult();
    }

    private void LookAt(ScanResult scan, bool isNew)
    {
        var now = _time.GetTimestamp();
        var changed = false;
        lock (_gate)
        {
            if (_pending.Count > 0 || _recent.Count > 0)
            {
                _recent.RemoveExpired(now);
                foreach (ref readonly var traceId in scan.TraceIds)
                {
                    changed |= SpansArrived(traceId, now);
                }
            }

            foreach (ref readonly var match in scan.Matches)
            {
                changed |= Matched(match, scan, now);
            }

            if (isNew)
            {
                _journal?.Reached();
            }

            Write();
        }

        if (changed)
        {
            Changed?.Invoke();
        }
    }

    /// <summary>A verdict from anywhere else, at any time. False: dropped and counted.</summary>
    public bool TrySchedule(in TraceId traceId, in Verdict verdict)
    {
        bool taken;
        lock (_gate)
        {
            taken = Judged(traceId, verdict, _time.GetTimestamp(), out _);
            Write();
        }

        Changed?.Invoke();
        return taken;
    }

    /// <summary>A mark, which is no failure, goes with the case that its trace has or will have; alone it makes none.</summary>
    public void Mark(in TraceId traceId, in Verdict mark)
    {
        lock (_gate)
        {
            if (!_pending.Contains(traceId) && !_recent.Contains(traceId))
            {
                return;
            }

            Judged(traceId, mark, _time.GetTimestamp(), out _);
            Write();
        }

        Changed?.Invoke();
    }

    /// <summary>
    /// A whole trace from elsewhere, with what was found in it; due at once. The task ends when it has become what it
    /// could, so that who fetches holds one at a time. Null: dropped and counted.
    /// </summary>
    public Task? TrySchedule(in TraceId traceId, FetchedTrace fetched, IReadOnlyList<Verdict> verdicts)
    {
        var now = _time.GetTimestamp();
        TaskCompletionSource handled;
        lock (_gate)
        {
            if (!_pending.TryGet(traceId, out var capture) && !TryAdd(traceId, _recent.Contains(traceId), now, out capture))
            {
                return null;
            }

            handled = capture!.Handled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            capture.Fetched = fetched;
            foreach (var verdict in verdicts)
            {
                AddVerdict(capture, verdict);
            }

            // Nothing more of it comes: there is nothing to settle. One that waits for its next attempt keeps its time.
            if (capture.Attempts == 0)
            {
                _pending.BringForward(capture, now);
            }

            Write();
        }

        Changed?.Invoke();
        return handled.Task;
    }

    /// <summary>The next capture whose time has come; with <paramref name="early"/> the next one, due or not.</summary>
    /// <param name="wait">How long until there may be one; <see cref="Timeout.InfiniteTimeSpan"/> when nothing is pending.</param>
    public Capture? TakeDue(bool early, out TimeSpan wait)
    {
        var now = _time.GetTimestamp();
        lock (_gate)
        {
            if (_pending.TakeDue(now, early, out var dueAt) is not { } capture)
            {
                wait = dueAt is { } due ? _time.GetElapsedTime(now, due) : Timeout.InfiniteTimeSpan;
                return null;
            }

            _taken.Add(capture);

            // From here on its spans are late ones: none falls between the assembly and the remembering.
            _recent.Add(capture.TraceId, now + _lateWindow);
            wait = TimeSpan.Zero;
            return capture;
        }
    }

    /// <summary>A capture that could not be written comes back after <paramref name="delay"/>, with what arrived meanwhile.</summary>
    public void PutBack(Capture capture, TimeSpan delay)
    {
        var now = _time.GetTimestamp();
        lock (_gate)
        {
            _taken.Remove(capture);
            if (_pending.TryGet(capture.TraceId, out var newer))
            {
                _journal?.Ended(capture.Number, capture.TraceId, 0);
                newer.Attempts = capture.Attempts;
                newer.VerdictsOmitted += capture.VerdictsOmitted;
                newer.Fetched ??= capture.Fetched;
                capture.Handled?.TrySetResult();
                foreach (var verdict in capture.Verdicts)
                {
                    AddVerdict(newer, verdict);
                }

                Write();
                return;
            }

            capture.DueAt = now + TimestampsIn(delay);
            _pending.Add(capture);
        }
    }

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics() => _metrics.Sampled(PendingCount, RecentCount);

    private bool SpansArrived(in TraceId traceId, long now)
    {
        if (_pending.TryGet(traceId, out var capture))
        {
            _pending.PutOff(capture, now);
            return false;
        }

        return _recent.Contains(traceId) && TryAdd(traceId, isUpdate: true, now, out _);
    }

    private bool Matched(in SpanMatch match, ScanResult scan, long now)
    {
        var changed = false;
        foreach (var index in scan.RulesOf(match))
        {
            var rule = scan.Rules[index];
            if (rule.Tee && !FailureKind.IsMark(rule.Failure))
            {
                Judged(match.TraceId, new Verdict(match.SpanId, rule.Failure, rule.Name, VerdictSource.Rule) { Origin = match.Origin }, now, out var added);
                changed |= added;
            }
        }

        return changed;
    }

    private bool Judged(in TraceId traceId, in Verdict verdict, long now, out bool added)
    {
        added = false;
        if (traceId.IsZero)
        {
            _metrics.CaptureDropped(CaptureDropReason.WithoutTraceId);
            return false;
        }

        if (_pending.TryGet(traceId, out var capture))
        {
            _pending.PutOff(capture, now);
        }
        else if (!(added = TryAdd(traceId, _recent.Contains(traceId), now, out capture)))
        {
            return false;
        }

        AddVerdict(capture!, verdict);
        return true;
    }

    private bool TryAdd(in TraceId traceId, bool isUpdate, long now, out Capture? capture)
    {
        capture = null;
        if (_pending.Count >= _options.PendingMax)
        {
            _metrics.CaptureDropped(CaptureDropReason.PendingFull);
            return false;
        }

        capture = new Capture(traceId, now, isUpdate) { Number = ++_lastNumber };
        _journal?.Scheduled(capture, UnixTime.Now(_time));
        _pending.PutOff(capture, now);
        _pending.Add(capture);
        return true;
    }

    private void AddVerdict(Capture capture, in Verdict verdict)
    {
        if (_pending.TryAddVerdict(capture, verdict))
        {
            _journal?.Judged(capture, verdict);
        }
        else
        {
            capture.VerdictsOmitted++;
        }
    }

    private void Write()
    {
        if (_journal is null)
        {
            return;
        }

        if (_journal.WantsSnapshot)
        {
            WriteSnapshot();
        }
        else
        {
            _journal.Flush();
        }
    }

    private void WriteSnapshot()
    {
        if (_journal is null || !_journal.TryBeginSnapshot())
        {
            return;
        }

        var now = _time.GetTimestamp();
        var unixNow = UnixTime.Now(_time);
        foreach (var (trace, expires) in _recent.ByAge)
        {
            _journal.AddRecent(trace, unixNow + NanosecondsIn(expires - now));
        }

        foreach (var capture in _taken.Concat(_pending.All))
        {
            _journal.Add(capture, unixNow - NanosecondsIn(now - capture.ScheduledAt));
        }

        _journal.EndSnapshot();
    }

    private long NanosecondsIn(long timestamps) => (long)(timestamps * (1e9 / _time.TimestampFrequency));

    private long TimestampsIn(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
