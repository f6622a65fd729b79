using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why a trace with a verdict does not become a case.</summary>
internal enum CaptureDropReason
{
    /// <summary>As many captures as may wait are waiting.</summary>
    PendingFull,

    /// <summary>As many new cases as an hour may bring were begun.</summary>
    HourlyLimit,

    /// <summary>The verdict names no trace (a log record outside of any).</summary>
    WithoutTraceId,

    /// <summary>The trace's bytes were dropped by the tee or overwritten before the case was due.</summary>
    NotRecorded,

    /// <summary>The folder of cases has reached its size.</summary>
    DirectoryFull,

    /// <summary>The deadline of the shutdown came first.</summary>
    Shutdown,
}

/// <summary>Why a case could not be written.</summary>
internal enum CaseFailReason
{
    DiskFull,

    /// <summary>The folder may not be written to: rights, or a read-only file system.</summary>
    AccessDenied,

    /// <summary>Anything else that the file system said.</summary>
    Io,

    /// <summary>A mistake of ours; the log says which.</summary>
    Internal,
}

/// <summary>Why a further trace of a case was removed.</summary>
internal enum TraceRemoveReason
{
    /// <summary>A newer one took its place.</summary>
    Replaced,

    /// <summary>The folder of cases has reached its size.</summary>
    DirectoryFull,
}

/// <summary>Cases: written, completed, waiting, and why one is missing.</summary>
internal sealed class CorpusMetrics
{
    private readonly Counter _written;
    private readonly Counter _updated;
    private readonly Counter.Child[] _failed;
    private readonly Counter.Child[] _dropped;
    private readonly Counter _retries;
    private readonly Counter _setAside;
    private readonly Counter _unreadable;
    private readonly Counter _journalFailures;
    private readonly Counter _journalsDamaged;
    private readonly Counter _lookedAtAgain;
    private readonly Histogram _duration;
    private readonly Gauge _pending;
    private readonly Gauge _recent;
    private readonly Gauge _directoryBytes;
    private readonly Counter _occurrences;
    private readonly Counter _regressions;
    private readonly Counter _limited;
    private readonly Counter _tracesKept;
    private readonly Counter.Child[] _tracesRemoved;
    private readonly Counter.Child[] _redactions;

    /// <summary>In the order of the numbers that <see cref="Redacted"/> is given.</summary>
    public static readonly string[] RedactionKinds = ["email", "phone", "card", "iban", "api_key", "token", "jwt", "private_key", "secret", "user", "pattern", "attribute"];

    public CorpusMetrics(IMetricFactory factory)
    {
        _written = factory.CreateCounter("otlptap_corpus_cases_written_total", "New cases written.");
        _updated = factory.CreateCounter("otlptap_corpus_cases_updated_total", "Cases written again with late spans or further verdicts.");
        var failed = factory.CreateCounter("otlptap_corpus_cases_failed_total", "Cases given up after several attempts to write them.", ["reason"]);
        _failed = [failed.WithLabels("disk_full"), failed.WithLabels("access_denied"), failed.WithLabels("io"), failed.WithLabels("internal")];
        var dropped = factory.CreateCounter("otlptap_corpus_captures_dropped_total", "Traces with a verdict that do not become a case, or late spans not added to one.", ["reason"]);
        _dropped =
        [
            dropped.WithLabels("pending_full"),
            dropped.WithLabels("hourly_limit"),
            dropped.WithLabels("without_trace_id"),
            dropped.WithLabels("not_recorded"),
            dropped.WithLabels("directory_full"),
            dropped.WithLabels("shutdown"),
        ];
        _retries = factory.CreateCounter("otlptap_corpus_write_retries_total", "Failed attempts to write a case that are made again.");
        _setAside = factory.CreateCounter("otlptap_corpus_files_set_aside_total", "Files of cases that could not be read and were renamed instead of overwritten.");
        _unreadable = factory.CreateCounter("otlptap_corpus_cases_unreadable_total", "Files of cases that could not be read when the folder was looked through at the first case after a start.");
        _journalFailures = factory.CreateCounter("otlptap_corpus_journal_failures_total", "Times the journal of waiting cases could not be written or read.");
        _journalsDamaged = factory.CreateCounter("otlptap_corpus_journal_damaged_total", "Journals of an earlier run that were damaged: what they say up to there was carried out.");
        _lookedAtAgain = factory.CreateCounter("otlptap_corpus_requests_looked_at_again_total", "Recorded requests of an earlier run that were looked at again after the start.");
        _duration = factory.CreateHistogram(
            "otlptap_corpus_write_seconds",
            "Time to assemble and write a case.",
            new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.001, 4, 8) });
        _pending = factory.CreateGauge("otlptap_corpus_pending_captures", "Traces with a verdict that wait to settle or to be written.");
        _recent = factory.CreateGauge("otlptap_corpus_recent_traces", "Traces with a case that are still watched for late spans.");
        _occurrences = factory.CreateCounter("otlptap_corpus_occurrences_total", "Failing traces that are an occurrence of a case, by the case's status then; its first one included.", ["status"]);
        _regressions = factory.CreateCounter("otlptap_corpus_regressions_total", "Cases seen again after they were fixed.");
        _limited = factory.CreateCounter("otlptap_corpus_updates_limited_total", "Occurrences that would have changed their case's files beyond what an hour may bring; they are counted all the same.");
        _tracesKept = factory.CreateCounter("otlptap_corpus_traces_kept_total", "Further traces kept beside a case's first one.");
        var removed = factory.CreateCounter("otlptap_corpus_traces_removed_total", "Further traces that were removed.", ["reason"]);
        _tracesRemoved = [removed.WithLabels("replaced"), removed.WithLabels("directory_full")];
        var redactions = factory.CreateCounter("otlptap_corpus_redactions_total", "What was taken out of traces before they were written.", ["kind"]);
        _redactions = [.. RedactionKinds.Select(kind => redactions.WithLabels(kind))];
        _directoryBytes = factory.CreateGauge("otlptap_corpus_directory_bytes", "Bytes of the folder of cases as far as the tap has seen it grow.");
    }

    /// <param name="status">Of the case; a closed set.</param>
    public void Occurred(string status) => _occurrences.WithLabels(status).Inc();

    public void CaseRegressed() => _regressions.Inc();

    public void UpdateLimited() => _limited.Inc();

    public void TraceKept() => _tracesKept.Inc();

    public void TracesRemoved(TraceRemoveReason reason, int count) => _tracesRemoved[(int)reason].Inc(count);

    /// <param name="kind">Its number in the names given to <see cref="CorpusMetrics"/>.</param>
    public void Redacted(int kind, int count) => _redactions[kind].Inc(count);

    public void CaseWritten() => _written.Inc();

    public void CaseUpdated() => _updated.Inc();

    public void CaseFailed(CaseFailReason reason) => _failed[(int)reason].Inc();

    public void CaptureDropped(CaptureDropReason reason) => _dropped[(int)reason].Inc();

    public void CaptureDropped(CaptureDropReason reason, int count) => _dropped[(int)reason].Inc(count);

    public void WriteRetried() => _retries.Inc();

    public void FileSetAside() => _setAside.Inc();

    public void CaseUnreadable() => _unreadable.Inc();

    public void Handled(TimeSpan duration) => _duration.Observe(duration.TotalSeconds);

    public void DirectoryMeasured(long bytes) => _directoryBytes.Set(bytes);

    public void JournalFailed() => _journalFailures.Inc();

    public void JournalDamaged() => _journalsDamaged.Inc();

    public void LookedAtAgain() => _lookedAtAgain.Inc();

    public void Sampled(int pendingCaptures, int recentTraces)
    {
        _pending.Set(pendingCaptures);
        _recent.Set(recentTraces);
    }
}
