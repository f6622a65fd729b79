using OtlpTap.Cli;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Metrics;
using OtlpTap.Sinks;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

/// <summary>Cases: from their schedule to the folder and the sinks, with what is fetched for them from backends, and the folder for the admin port.</summary>
internal sealed class CaseSetup : IAsyncDisposable
{
    private readonly CaseSinks _sinks;
    private readonly CaptureLoop _loop;
    private readonly CaseRequests _requests;
    private readonly RecorderSetup _recording;
    private readonly PullSetup _pull;
    private readonly TimeProvider _time;

    /// <param name="written">Told of each case that is written, on the corpus's own thread.</param>
    public CaseSetup(TapOptions options, CorpusOptions corpus, RecorderSetup recording, CaseHandler? written, TapMetrics metrics, TimeProvider time, ILoggerFactory logs)
    {
        _recording = recording;
        _time = time;
        _sinks = new CaseSinks(options.Processor.Sinks, recording.Recorder, VersionCommand.Version, metrics.Factory, time, logs.CreateLogger<CaseSinks>());
        var writer = new CaseWriter(corpus, recording.Recorder, metrics.Corpus, time, logs.CreateLogger<CaseWriter>());
        _loop = new CaptureLoop(corpus, recording.Scheduler, writer, metrics.Corpus, time, logs.CreateLogger<CaptureLoop>(), written + _sinks.Written);
        _requests = new CaseRequests(new CaseStore(corpus.Directory, time), _loop.WriteCountsAsync, time);
        _pull = new PullSetup(options, recording.Scheduler, _loop, metrics, time, logs);
    }

    /// <summary>For the admin port.</summary>
    public CasesApi Api => _requests.Api;

    public static CorpusOptions OptionsOf(TapProcessorOptions processor) => new()
    {
        Directory = processor.CorpusDirectory,
        Settle = processor.CorpusSettle,
        SettleMax = processor.CorpusSettleMax,
        LateWindow = processor.CorpusLateWindow,
        CasesPerHourMax = processor.CorpusCasesPerHourMax,
        UpdatesPerHourMax = processor.CorpusUpdatesPerHourMax,
        TracesPerCase = processor.CorpusTracesPerCase,
        Redact = processor.CorpusRedact,
        DirectoryBytesMax = processor.CorpusBytesMax,
    };

    /// <summary>For the admin port: a trace that somebody wants to have.</summary>
    public CaptureAnswer Capture(string id, string? failure, string? comment) => _recording.Capture(id, failure, comment, _pull.FetchesLateTraces);

    public void StartWriting() => _loop.Start();

    public void StartFetching() => _pull.Start();

    public Task StopFetchingAsync() => _pull.StopAsync();

    /// <summary>Writes cases that are due or settling.</summary>
    /// <param name="left">Of the time for going down. Cases are what a restart must not lose: they get a second even where the requests took all of it.</param>
    public async Task FlushAsync(TimeSpan left)
    {
        await _loop.FlushAsync(left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1));

        // Their files are written: what a sink does not get in two seconds can be exported.
        using var sending = new CancellationTokenSource(TimeSpan.FromSeconds(2), _time);
        await _sinks.DrainAsync(sending.Token);
    }

    /// <summary>Before each scrape.</summary>
    public void PublishMetrics()
    {
        _pull.PublishMetrics();
        _sinks.PublishMetrics();
    }

    public async ValueTask DisposeAsync()
    {
        await _sinks.DisposeAsync();
        _requests.Dispose();
        _pull.Dispose();
    }
}
