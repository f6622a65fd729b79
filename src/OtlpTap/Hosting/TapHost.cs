using System.Net;
using OtlpTap.Advice;
using OtlpTap.Buffers;
using OtlpTap.Causes;
using OtlpTap.Cli;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Forward.Spool;
using OtlpTap.Judges;
using OtlpTap.Metrics;
using OtlpTap.Receive;
using OtlpTap.Recorder;
using OtlpTap.Scan;
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
    private readonly ByteBudget _inFlight;
    private readonly Tee _tee;
    private readonly RecorderSetup _recording;
    private readonly RecorderLoop _recorderLoop;
    private readonly CaseSetup _cases;
    private readonly FindingSetup _findings;
    private readonly Readiness _readiness;
    private readonly Server _server;
    private readonly ListenerSet _listeners;
    private readonly Edges _edges;
    private readonly AdminPages _admin;
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
        var metrics = new TapMetrics(VersionCommand.Version, time);
        var payloads = new PayloadPool();
        var scans = new ScanResultPool();

        // Behind the tee.
        var processor = options.Processor;
        _tee = new Tee(new TeeOptions { QueueBytesMax = processor.TeeBytesMax }, metrics.Tee, time);
        var corpus = CaseSetup.OptionsOf(processor);
        _recording = new RecorderSetup(options, corpus, metrics, time, logs);
        _recorderLoop = new RecorderLoop(_tee, _recording.Recorder, Recorded, scans, metrics.Recorder, time, logs.CreateLogger<RecorderLoop>());
        _cases = new CaseSetup(options, corpus, _recording, caseWritten, metrics, time, logs);

        // The request path.
        _inFlight = new ByteBudget(processor.InFlightBytesMax);
        _line = Line.First(new LineParts(metrics, payloads, _inFlight, scans, new CauseMarker(new CauseLedger()), _tee, time, logs), options);

        // Back to the backend.
        _findings = new FindingSetup(() => _options, signal => _line.VerdictTargetsOf(signal), _recording, payloads, metrics, time, logs);

        // The ports.
        _readiness = new Readiness(() => _line.Exporters.Primaries.Select(exporter => (exporter.Id, exporter.IsReachable)), time);
        _server = new Server(new ExportMethodProvider(new ExportMarshaller(payloads)), logs, time);
        var listenerMetrics = new ListenerMetrics(metrics.Factory);
        _listeners = new ListenerSet(_server, listenerMetrics, logs.CreateLogger<ListenerSet>(), time);
        _edges = new Edges(_server, _inFlight, payloads, _findings.Feedback.Post, metrics, listenerMetrics, _listeners.BoundTo, logs, time);
        _reloader = load is null ? null : new Reloader(load, ApplyAsync, metrics.Configuration, time, logs.CreateLogger<Reloader>());
        _admin = new AdminPages(_server, _readiness, _cases, _findings, ReloadAsync, metrics, time, _stopping.Token);

        metrics.Configuration.Started(time.GetUtcNow());
        metrics.OnScrape(() => PublishMetrics(metrics.Receive));
    }

    /// <summary>Where agents send to by OTLP/gRPC over TCP: the first receiver that has it. Known once started (port 0 lets the system choose); port 0 where there is none.</summary>
    public IPEndPoint GrpcEndpoint => BoundTo(_options.Receivers.Where(receiver => receiver.Grpc is not null).Select(receiver => ListenerName.Grpc(receiver.Id)));

    /// <summary>The same for OTLP/HTTP.</summary>
    public IPEndPoint HttpEndpoint => BoundTo(_options.Receivers.Where(receiver => receiver.Http is not null).Select(receiver => ListenerName.Http(receiver.Id)));

    /// <summary>Metrics and health.</summary>
    public IPEndPoint AdminEndpoint => BoundTo([ListenerName.Admin]);

    /// <inheritdoc cref="AdminPages"/>
    public IReadOnlyList<RouteEndpoint> AdminRoutes => _admin.Routes;

    /// <summary>What agents are told to do at this moment.</summary>
    public IAdviceSource Advice => _findings.Advice.Engine;

    /// <summary>Takes verdicts that no inline rule made.</summary>
    public IVerdictSink Verdicts => _findings.Verdicts;

    /// <summary>Is offered runs when the detectors have seen them.</summary>
    public JudgePanel Judges => _findings.Judges;

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
        _cases.StartWriting();
        _findings.Start();
        _cases.StartFetching();
        await _listeners.ApplyAsync(_edges.Plan(_options, _line, _admin.Handler, _readiness), _options.Service.ShutdownDeadline, cancellation);
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
        await _findings.TellAsync(_options.Service.ShutdownDeadline - _time.GetElapsedTime(started));
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
        await _findings.FinishAsync();
        await _probing;
        await _cases.StopFetchingAsync();
        await _cases.FlushAsync(_options.Service.ShutdownDeadline - _time.GetElapsedTime(started));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _listeners.DisposeAsync();
        await _server.DisposeAsync();
        _findings.Dispose();
        await _cases.DisposeAsync();
        _recording.Dispose();
        _reloader?.Dispose();
        _stopping.Dispose();
    }

    /// <summary>What is done with a request once it is recorded, on the recorder's thread.</summary>
    private void Recorded(in TeeItem item)
    {
        _recording.Scheduler.Recorded(item);
        _findings.Recorded(item);
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
        var adminBefore = _listeners.BoundTo(ListenerName.Admin);
        Task gone;
        try
        {
            gone = await _listeners.ApplyAsync(_edges.Plan(next, line, _admin.Handler, _readiness), next.Service.ShutdownDeadline, CancellationToken.None);
        }
        catch
        {
            await line.Exporters.DisposeAllButAsync(_line.Exporters);
            throw;
        }

        IReadOnlyList<string> notes = [.. AtNextStart.Differences(_options, next), .. _listeners.TlsProblems, .. AdminMoved(adminBefore)];
        _edges.ChangeTo(line);
        _inFlight.LimitBytes = next.Processor.InFlightBytesMax;
        _line = line;
        _options = next;
        _findings.Change(next.Processor);
        lock (_retiring)
        {
            _retiring.RemoveAll(task => task.IsCompleted);
            _retiring.Add(RetireAsync(retired, gone, next.Service.ShutdownDeadline));
        }

        return notes;
    }

    /// <summary>Who asked for the reload finds nobody where they asked.</summary>
    private IEnumerable<string> AdminMoved(EndPoint? before) =>
        _listeners.BoundTo(ListenerName.Admin) is { } now && !now.Equals(before) ? [$"the admin port is {now} from now on"] : [];

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

    private void PublishMetrics(ReceiveMetrics receive)
    {
        receive.InFlightSampled(_inFlight.TakenBytes, _inFlight.LimitBytes);
        _line.PublishMetrics();
        _tee.PublishMetrics();
        _recording.PublishMetrics();
        _cases.PublishMetrics();
        _findings.PublishMetrics();
    }

    private IPEndPoint BoundTo(IEnumerable<ListenerName> names) =>
        names.Select(_listeners.BoundTo).OfType<IPEndPoint>().FirstOrDefault() ?? new IPEndPoint(IPAddress.None, 0);
}
