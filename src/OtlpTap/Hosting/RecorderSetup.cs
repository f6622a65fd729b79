using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Corpus.Journal;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Verdicts;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

using Recorder = OtlpTap.Recorder.Recorder;

/// <summary>The recorder and the schedule of captures, and, where the recorder is in files, how the one finds the other again.</summary>
internal sealed class RecorderSetup : IDisposable
{
    private readonly CaptureJournal? _journal;
    private readonly CaptureResumption? _resumption;
    private readonly CancellationTokenSource _stopping = new();
    private Task _resuming = Task.CompletedTask;

    /// <exception cref="RecorderException">Another process has the recorder's directory.</exception>
    public RecorderSetup(TapOptions options, CorpusOptions corpus, TapMetrics metrics, TimeProvider time, ILoggerFactory logs)
    {
        var processor = options.Processor;
        var recorder = new RecorderOptions
        {
            SizeBytesMax = processor.RecorderBytesMax,
            AgeMax = processor.RecorderAgeMax,
            RequestBytesMax = options.RequestBytesMax,
            Directory = processor.RecorderDirectory,
            Compression = processor.RecorderCompression,
        };
        Recorder = new Recorder(recorder, metrics.Recorder, time, logs.CreateLogger<Recorder>());
        if (Recorder.Directory is { } directory)
        {
            _journal = new CaptureJournal(directory, Recorder.RingId, () => Recorder.LastPosition, metrics.Corpus, time, logs.CreateLogger<CaptureJournal>());
        }

        Scheduler = new CaptureScheduler(corpus, metrics.Corpus, time, _journal);
        if (_journal is not null)
        {
            _resumption = new CaptureResumption(_journal, Scheduler, Recorder, options.Rules, metrics.Corpus, logs.CreateLogger<CaptureResumption>());
            _resumption.Begin();
        }
    }

    public Recorder Recorder { get; }

    public CaptureScheduler Scheduler { get; }

    /// <summary>Looks at what the last process may not have; beside the first requests.</summary>
    public void Start() => _resuming = _resumption is null ? Task.CompletedTask : Task.Run(() => _resumption.Run(_stopping.Token));

    /// <summary>Ends that, for the next start to go on with.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _resuming;
    }

    /// <summary>A verdict by the admin port's API.</summary>
    /// <param name="isFetched">What is not in the recorder any more is asked for elsewhere.</param>
    public CaptureAnswer Capture(string id, string? failure, string? comment, bool isFetched)
    {
        if (!TraceId.TryParse(id, out var traceId) || traceId.IsZero)
        {
            return CaptureAnswer.InvalidId;
        }

        if (!isFetched && Recorder.Visit(traceId, 0, static (in _, _) => { }) == 0)
        {
            return CaptureAnswer.NotRecorded;
        }

        var verdict = new Verdict(default, failure ?? FailureKind.Reported, VerdictSource.Api, VerdictSource.Api) { Explanation = comment };
        return Scheduler.TrySchedule(traceId, verdict) ? CaptureAnswer.Scheduled : CaptureAnswer.Full;
    }

    /// <summary>Before each scrape.</summary>
    public void PublishMetrics()
    {
        Recorder.PublishMetrics();
        Scheduler.PublishMetrics();
    }

    public void Dispose()
    {
        _journal?.Dispose();
        Recorder.Dispose();
        _stopping.Dispose();
    }
}
