using System.Net;
using Microsoft.AspNetCore.Http;
using OtlpTap.Advice;
using OtlpTap.Announce;
using OtlpTap.Buffers;
using OtlpTap.Causes;
using OtlpTap.Cli;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Evaluations;
using OtlpTap.Forward.Spool;
using OtlpTap.Judges;
using OtlpTap.Metrics;
using OtlpTap.Receive;
using OtlpTap.Recorder;
using OtlpTap.Runs;
using OtlpTap.Scan;
using OtlpTap.Sinks;
using OtlpTap.Tee;
using OtlpTap.Verdicts;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

using Tee = OtlpTap.Tee.Tee;

/// <summary>
/// The composition root: one tap, from its checked configuration to its open ports. It is put together from the far end
/// back to the agents, since each room is given what stands behind it; it goes down from the agents to the far end.
/// </summary>
internal sealed class TapHost : IAsyncDisposable
{
    /// <summary>How often an upstream that no request has reached lately is asked whether it is there, for /readyz.</summary>
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the exporters that a reload leaves out are kept before they are drained: a request that came to the
    /// pipelines just before is on its way to them after as many milliseconds.
    /// </summary>
    private static readonly TimeSpan ChangeOver = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly ILogger<TapHost> _log;
    private readonly TapMetrics _metrics;
    private readonly ByteBudget _inFlight;
    private readonly Tee _tee;
    private readonly RecorderSetup _recording;
    private readonly RecorderLoop _recorderLoop;
    private readonly CaptureLoop _captureLoop;
    private readonly CaseSinks _sinks;
    private readonly CaseRequests _cases;
    private readonly EvaluationWatch _evaluations;
    private readonly SpanReading _spans;
    private readonly Announcer _announcer;
    private readonly JudgePanel _judges;
    private readonly VerdictHub _verdicts;
    private readonly DetectionSetup _detection;
    private readonly PullSetup _pull;
    private readonly HealthSetup _health;
    private readonly AdviceSetup _advice;
    private readonly FeedbackSetup _feedback;
    private readonly Readiness _readiness;
    private readonly Server _server;
    private readonly ListenerSet _listeners;
    private readonly Edges _edges;
    private readonly RequestDelegate _admin;
    private readonly Reloader? _reloader;
    private readonly CancellationTokenSource _stopping = new();

    // Changed by a reload alone, one at a time.
    private volatile TapOptions _options;
    private volatile Line _line;
    private readonly List<Task> _retiring = [];

    private Task _recorderEnds = Task.CompletedTask;
    private Task _probing = Task.CompletedTask;
    private bool _isStopped;

    private TapHost(TapOptions options, TimeProvider time, ILoggerFactory logs, CaseHandler? caseWritten, Func<LoadedConfiguration>? load)
    {
        _options = options;
        _time = time;
        _log = logs.CreateLogger<TapHost>();
        _metrics = new TapMetrics(VersionCommand.Version, time);
        var payloads = new PayloadPool();
        var scans = new ScanResultPool();

        // Behind the tee.
        var processor = options.Processor;
        _tee = new Tee(new TeeOptions { QueueBytesMax = processor.TeeBytesMax }, _metrics.Tee, time);
        var corpus = new CorpusOptions
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
        _recording = new RecorderSetup(options, corpus, _metrics, time, logs);
        var (recorder, scheduler) = (_recording.Recorder, _recording.Scheduler);
        _sinks = new CaseSinks(processor.Sinks, recorder, VersionCommand.Version, _metrics.Factory, time, logs.CreateLogger<CaseSinks>());
        _captureLoop = new CaptureLoop(corpus, scheduler, new CaseWriter(corpus, recorder, _metrics.Corpus, time, logs.CreateLogger<CaseWriter>()), _metrics.Corpus, time, logs.CreateLogger<CaptureLoop>(), caseWritten + _sinks.Written);
        _cases = new CaseRequests(new CaseStore(corpus.Directory, time), _captureLoop.WriteCountsAsync, time);
        _recorderLoop = new RecorderLoop(_tee, recorder, Recorded, scans, _metrics.Recorder, time, logs.CreateLogger<RecorderLoop>());

        _pull = new PullSetup(options, scheduler, _captureLoop, _metrics, time, logs);

        // The request path.
        _inFlight = new ByteBudget(processor.InFlightBytesMax);
        _line = Line.First(new LineParts(_metrics, payloads, _inFlight, scans, new CauseMarker(new CauseLedger()), _tee, time, logs), options);

        // Back to the backend.
        _announcer = new Announcer(() => _options.Processor.Verdicts, signal => _line.VerdictTargetsOf(signal), VersionCommand.Version, payloads, _metrics.Announce, time, logs.CreateLogger<Announcer>());
        _health = new HealthSetup(processor.Health, _metrics, time);
        _advice = new AdviceSetup(processor.Advice, _health.Windows, _announcer, _metrics, time, logs);
        _health.Tell(_advice.Outcomes);
        var judgedSpans = new JudgedSpanSearch(recorder, _health.Owners, time);
        _verdicts = new VerdictHub(scheduler, judgedSpans, _announcer, _health.Windows, _advice.Outcomes);
        var scores = new ScoreHub(_health.Windows, _advice.Outcomes);
        var opinions = new OpinionHub(judgedSpans, _metrics.Feedback, _announcer);
        _evaluations = EvaluationWatch.Over(recorder, processor.Evaluations, _verdicts, _metrics.Evaluations, time, logs.CreateLogger<EvaluationWatch>(), scores, opinions);
        _spans = new SpanReading(_evaluations, _health.Steps);
        _judges = new JudgePanel(processor.Judges, _verdicts, scores, _metrics.Factory, time, logs.CreateLogger<JudgePanel>());
        _feedback = new FeedbackSetup(() => _options, _evaluations, judgedSpans, _verdicts, scores, opinions, _metrics.Feedback, time, logs);
        _detection = new DetectionSetup(processor.Detectors, recorder, _verdicts, Examined, _metrics.Detectors, time, logs, scores);
        _readiness = new Readiness(() => _line.Exporters.Primaries.Select(exporter => (exporter.Id, exporter.IsReachable)), time);
        _server = new Server(new ExportMethodProvider(new ExportMarshaller(payloads)), logs, time);
        var listenerMetrics = new ListenerMetrics(_metrics.Factory);
        _listeners = new ListenerSet(_server, listenerMetrics, logs.CreateLogger<ListenerSet>(), time);
        _edges = new Edges(_server, _inFlight, payloads, _feedback.Post, _metrics, listenerMetrics, logs, time);
        _reloader = load is null ? null : new Reloader(load, ApplyAsync, _metrics.Configuration, time, logs.CreateLogger<Reloader>());
        _admin = _server.Route(pages =>
        {
            pages.MapAdmin(_metrics, _readiness, ReloadForAdminAsync);
            pages.MapCapture((id, failure, comment) => _recording.Capture(id, failure, comment, _pull.FetchesLateTraces));
            pages.MapCases(_cases.Api);
            pages.MapHealth(_health.Windows);
            pages.MapAdvice(_advice.Engine, _metrics.Api, time, _stopping.Token);
            pages.MapAdviceReport(_advice.Outcomes.Report);
            pages.MapMcp(_advice.Engine, _health.Windows, VersionCommand.Version, time);
            pages.MapOpenApi();
            AdminRoutes = [.. pages.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()];
        }, AdminEndpoints.NotFoundAsync);
        _metrics.Configuration.Started(time.GetUtcNow());

        _metrics.OnScrape(_tee.PublishMetrics);
        _metrics.OnScrape(recorder.PublishMetrics);
        _metrics.OnScrape(scheduler.PublishMetrics);
        _metrics.OnScrape(() => _line.PublishMetrics());
        _metrics.OnScrape(_detection.PublishMetrics);
        _metrics.OnScrape(_feedback.PublishMetrics);
        _metrics.OnScrape(_health.PublishMetrics);
        _metrics.OnScrape(_advice.PublishMetrics);
        _metrics.OnScrape(_announcer.PublishMetrics);
        _metrics.OnScrape(_pull.PublishMetrics);
        _metrics.OnScrape(_judges.PublishMetrics);
        _metrics.OnScrape(_evaluations.PublishMetrics);
        _metrics.OnScrape(_sinks.PublishMetrics);
        _metrics.OnScrape(() => _metrics.Receive.InFlightSampled(_inFlight.TakenBytes, _inFlight.LimitBytes));
    }

    /// <summary>Where agents send to by OTLP/gRPC over TCP: the first receiver that has it. Known once started (port 0 lets the system choose); port 0 where there is none.</summary>
    public IPEndPoint GrpcEndpoint => BoundTo(_options.Receivers.Where(receiver => receiver.Grpc is not null).Select(receiver => ListenerName.Grpc(receiver.Id)));

    /// <summary>The same for OTLP/HTTP.</summary>
    public IPEndPoint HttpEndpoint => BoundTo(_options.Receivers.Where(receiver => receiver.Http is not null).Select(receiver => ListenerName.Http(receiver.Id)));

    /// <summary>Metrics and health.</summary>
    public IPEndPoint AdminEndpoint => BoundTo([ListenerName.Admin]);

    /// <summary>All that the admin port answers; openapi.json describes it.</summary>
    public IReadOnlyList<RouteEndpoint> AdminRoutes { get; private set; } = [];

    /// <summary>What agents are told to do at this moment.</summary>
    public IAdviceSource Advice => _advice.Engine;

    /// <summary>Takes verdicts that no inline rule made.</summary>
    public IVerdictSink Verdicts => _verdicts;

    /// <summary>Is offered runs when the detectors have seen them.</summary>
    public JudgePanel Judges => _judges;

    /// <summary>All of them, by their names.</summary>
    public ListenerSet Listeners => _listeners;

    /// <param name="caseWritten">Told of each case that is written, on the corpus's own thread.</param>
    /// <param name="load">Reads the configuration again, for <see cref="ReloadAsync"/>; null where there is nothing to read.</param>
    /// <exception cref="SpoolException">A spool cannot be opened.</exception>
    /// <exception cref="RecorderException">Another process has the recorder's directory.</exception>
    public static TapHost Create(TapOptions options, TimeProvider time, ILoggerFactory logs, CaseHandler? caseWritten = null, Func<LoadedConfiguration>? load = null) =>
        new(options, time, logs, caseWritten, load);

    /// <exception cref="ListenException">A port cannot be opened.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _recording.Start();
        _recorderEnds = Task.Run(_recorderLoop.RunAsync, CancellationToken.None);
        _captureLoop.Start();
        _detection.Start();
        _pull.Start();
        await _listeners.ApplyAsync(_edges.Plan(_options, _line, _admin, _readiness), _options.Service.ShutdownDeadline, cancellation);
        _probing = ProbeAsync();
        _readiness.Listening();
    }

    /// <summary>Reads the configuration again and puts it in force, if it is valid; see <see cref="Reloader"/>.</summary>
    public Task<ReloadResult> ReloadAsync(CancellationToken cancellation) => _reloader is null
        ? Task.FromResult(new ReloadResult(false, ["there is no configuration to read again"]))
        : _reloader.ReloadAsync(cancellation);

    /// <summary>
    /// From the agents to the far end: no new requests, those in flight get their answers, what the tee holds is recorded,
    /// cases that are due or settling are written. All of it within <c>service.shutdown_deadline</c>; what then still
    /// hangs is left behind and said.
    /// </summary>
    public async Task StopAsync()
    {
        if (_isStopped)
        {
            return;
        }

        _isStopped = true;
        _readiness.ShuttingDown();
        if (_reloader is not null)
        {
            await _reloader.EndAsync();
        }

        using var deadline = new CancellationTokenSource(_options.Service.ShutdownDeadline, _time);
        var started = _time.GetTimestamp();
        await _stopping.CancelAsync();
        _line.Exporters.EndWaits();
        await _listeners.StopAsync(deadline.Token);
        await EndVerdictsAsync(_options.Service.ShutdownDeadline - _time.GetElapsedTime(started));
        try
        {
            await _line.Exporters.DrainAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            _log.NotDrained(_options.Service.ShutdownDeadline);
        }

        // The exporters' last word: calls that still hang end with UNAVAILABLE, and their payloads come back.
        await _line.Exporters.DisposeAsync();
        await Task.WhenAll(Retiring());
        _tee.Complete();
        await _recording.StopAsync();
        await _recorderEnds;
        _evaluations.Finish();
        await _detection.FlushAsync(TimeSpan.FromSeconds(1));
        await _probing;
        await _pull.StopAsync();

        // Cases are what a restart must not lose: they get a second even where the requests took all the time.
        var left = _options.Service.ShutdownDeadline - _time.GetElapsedTime(started);
        await _captureLoop.FlushAsync(left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1));

        // Their files are written: what a sink does not get in two seconds can be exported.
        using var sending = new CancellationTokenSource(TimeSpan.FromSeconds(2), _time);
        await _sinks.DrainAsync(sending.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _listeners.DisposeAsync();
        await _server.DisposeAsync();
        _announcer.Dispose();
        await _sinks.DisposeAsync();
        _cases.Dispose();
        _pull.Dispose();
        _judges.Dispose();
        _evaluations.Dispose();
        _feedback.Dispose();
        _advice.Dispose();
        _recording.Dispose();
        _reloader?.Dispose();
        _stopping.Dispose();
    }

    /// <summary>
    /// What detectors have not seen yet, answers that judges owe, then what the backend is to be told, while there are exporters: half of the time that is left,
    /// the requests in the exporters' queues need the other half. Where senders took all of it, half a second: whoever asked the tap to stop does not wait longer.
    /// </summary>
    private async Task EndVerdictsAsync(TimeSpan left)
    {
        var least = TimeSpan.FromSeconds(0.5);
        var half = left / 2 > least ? left / 2 : least;
        using var judging = new CancellationTokenSource(half / 2, _time);
        using var telling = new CancellationTokenSource(half, _time);
        await _detection.FlushAsync(half / 4);
        await _judges.DrainAsync(judging.Token);
        _advice.Engine.End();
        _feedback.Finish();
        await _announcer.DrainAsync(telling.Token);
    }

    /// <summary>What is done with a run once detectors have seen it, on their thread.</summary>
    private void Examined(AgentRun run, IReadOnlyList<Verdict> verdicts)
    {
        _judges.Offer(run, verdicts);
        _feedback.Examined(run, verdicts);
    }

    /// <summary>What is done with a request once it is recorded, on the recorder's thread.</summary>
    private void Recorded(in TeeItem item)
    {
        _recording.Scheduler.Recorded(item);
        _detection.Recorded(item);
        _spans.Recorded(item);
    }

    /// <summary>Keeps the answer of /readyz fresh while no requests show whether the upstreams are there, and tells of rules that come to errors.</summary>
    private async Task ProbeAsync()
    {
        using var timer = new PeriodicTimer(ProbeInterval, _time);
        try
        {
            do
            {
                _line.TellRuleErrors();
                await _line.Exporters.ProbeAsync(_stopping.Token);
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The tap is going down.
        }
    }

    /// <summary>
    /// First what may fail, then the change: new requests go through the new line over listeners that stay where they are.
    /// What is behind the tee stays, with what is recorded.
    /// </summary>
    /// <returns>What takes effect with the next start only, and what stays as it was because its files cannot be used.</returns>
    /// <exception cref="ListenException">A port cannot be opened. Nothing has changed then.</exception>
    /// <exception cref="SpoolException">A spool cannot be opened. Nothing has changed then.</exception>
    private async Task<IReadOnlyList<string>> ApplyAsync(TapOptions next)
    {
        var line = _line.Next(next, out var retired);
        Task gone;
        try
        {
            gone = await _listeners.ApplyAsync(_edges.Plan(next, line, _admin, _readiness), next.Service.ShutdownDeadline, CancellationToken.None);
        }
        catch
        {
            await line.Exporters.DisposeAllButAsync(_line.Exporters);
            throw;
        }

        IReadOnlyList<string> notes = [.. AtNextStart.Differences(_options, next), .. _listeners.TlsProblems];
        _edges.ChangeTo(line);
        _advice.Engine.Change(next.Processor.Advice);
        _inFlight.LimitBytes = next.Processor.InFlightBytesMax;
        _line = line;
        _options = next;
        _evaluations.Change(next.Processor.Evaluations);
        lock (_retiring)
        {
            _retiring.RemoveAll(task => task.IsCompleted);
            _retiring.Add(RetireAsync(retired, gone, next.Service.ShutdownDeadline));
        }

        return notes;
    }

    /// <summary>Lets exporters finish what they have, and ends them.</summary>
    /// <param name="gone">Ends when listeners that were left out have answered their requests.</param>
    private async Task RetireAsync(IReadOnlyList<ConfiguredExporter> retired, Task gone, TimeSpan time)
    {
        await gone;
        if (retired.Count == 0)
        {
            return;
        }

        await Task.Delay(ChangeOver, _time, _stopping.Token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        using var deadline = new CancellationTokenSource(time, _time);
        try
        {
            foreach (var exporter in retired)
            {
                exporter.EndWaits();
            }

            await Task.WhenAll(retired.Select(exporter => exporter.DrainAsync(deadline.Token)));
        }
        catch (OperationCanceledException)
        {
            _log.NotDrained(time);
        }

        await Task.WhenAll(retired.Select(exporter => exporter.DisposeAsync().AsTask()));
    }

    private Task[] Retiring()
    {
        lock (_retiring)
        {
            return [.. _retiring];
        }
    }

    private async Task<(bool IsApplied, string Text)> ReloadForAdminAsync(CancellationToken cancellation)
    {
        var result = await ReloadAsync(cancellation);
        return (result.IsApplied, string.Concat(result.Lines.Select(line => line + "\n")));
    }

    private IPEndPoint BoundTo(IEnumerable<ListenerName> names) =>
        names.Select(_listeners.BoundTo).OfType<IPEndPoint>().FirstOrDefault() ?? new IPEndPoint(IPAddress.None, 0);
}
