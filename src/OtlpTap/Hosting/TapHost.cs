using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OtlpTap.Buffers;
using OtlpTap.Cli;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Pipeline;
using OtlpTap.Receive;
using OtlpTap.Recorder;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Tee;
using OtlpTap.Validate;
using OtlpTap.Web;

namespace OtlpTap.Hosting;

using Recorder = OtlpTap.Recorder.Recorder;
using Tee = OtlpTap.Tee.Tee;

/// <summary>
/// The composition root: one tap, from its checked configuration to its open ports. It is put together from the far end
/// back to the agents, since each room is given what stands behind it; it goes down from the agents to the far end.
/// </summary>
internal sealed class TapHost : IAsyncDisposable
{
    /// <summary>How often an upstream that no request has reached lately is asked whether it is there, for /readyz.</summary>
    private static readonly TimeSpan ProbeInterval = TimeSpan.FromSeconds(5);

    private readonly TapOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<TapHost> _log;
    private readonly TapMetrics _metrics;
    private readonly Tee _tee;
    private readonly Recorder _recorder;
    private readonly RecorderLoop _recorderLoop;
    private readonly CaptureLoop _captureLoop;
    private readonly ExporterSet _exporters;
    private readonly Readiness _readiness;
    private readonly Server _server;
    private readonly ListenerSet _listeners;
    private readonly Func<ListenerPlans> _plan;
    private readonly CancellationTokenSource _stopping = new();
    private Task _recording = Task.CompletedTask;
    private Task _probing = Task.CompletedTask;
    private bool _isStopped;

    private TapHost(TapOptions options, TimeProvider time, ILoggerFactory logs, CaseHandler? caseWritten)
    {
        _options = options;
        _time = time;
        _log = logs.CreateLogger<TapHost>();
        var rules = options.Rules;
        _metrics = new TapMetrics(VersionCommand.Version, time);
        var payloads = new PayloadPool();
        var scans = new ScanResultPool();

        // Behind the tee.
        var processor = options.Processor;
        _tee = new Tee(new TeeOptions { QueueBytesMax = processor.TeeBytesMax }, _metrics.Tee, time);
        _recorder = new Recorder(new RecorderOptions { SizeBytesMax = processor.RecorderBytesMax, AgeMax = processor.RecorderAgeMax, RequestBytesMax = options.Receivers[0].Grpc!.MaxReceiveMessageBytes }, _metrics.Recorder, time);
        var corpus = new CorpusOptions
        {
            Directory = processor.CorpusDirectory,
            Settle = processor.CorpusSettle,
            SettleMax = processor.CorpusSettleMax,
            LateWindow = processor.CorpusLateWindow,
            CasesPerHourMax = processor.CorpusCasesPerHourMax,
            DirectoryBytesMax = processor.CorpusBytesMax,
        };
        var scheduler = new CaptureScheduler(corpus, _metrics.Corpus, time);
        _captureLoop = new CaptureLoop(corpus, scheduler, new CaseWriter(corpus, _recorder, _metrics.Corpus, time, logs.CreateLogger<CaseWriter>()), _metrics.Corpus, time, logs.CreateLogger<CaptureLoop>(), caseWritten);
        _recorderLoop = new RecorderLoop(_tee, _recorder, scheduler.Recorded, scans, _metrics.Recorder, time, logs.CreateLogger<RecorderLoop>());

        // The request path.
        var failures = new FailureMetrics(_metrics.Factory, [.. Enumerable.Range(0, rules.Count).Select(index => rules[index]).Select(rule => new RuleLabels(rule.Name, rule.Failure, rule.Metric))]);
        var invalid = processor.OnInvalid == OnInvalid.Relay ? null : new InvalidItems(new RequestValidator(processor.OnInvalid), _metrics.Validity);
        _exporters = ExporterSet.Create(options, _metrics, time, logs);
        var inFlight = new ByteBudget(processor.InFlightBytesMax);
        _readiness = new Readiness([.. _exporters.Primaries.Select(exporter => (exporter.Id, new Func<bool>(() => exporter.IsReachable)))], time);
        _server = new Server(new ExportMethodProvider(new ExportMarshaller(payloads)), logs, time);
        var listenerMetrics = new ListenerMetrics(_metrics.Factory);
        _listeners = new ListenerSet(_server, listenerMetrics, logs.CreateLogger<ListenerSet>(), time);
        _plan = () =>
        {
            var plans = new ListenerPlans(listenerMetrics, logs.CreateLogger<ListenerSet>(), time);
            foreach (var receiver in options.Receivers)
            {
                plans.Receiver(receiver, CreateGrpc(receiver), http: null);
            }

            return plans.Admin(options.Service.Admin, _server.Route(admin => admin.MapAdmin(_metrics, _readiness)));
        };

        _metrics.OnScrape(_tee.PublishMetrics);
        _metrics.OnScrape(_recorder.PublishMetrics);
        _metrics.OnScrape(scheduler.PublishMetrics);
        _metrics.OnScrape(_exporters.PublishMetrics);
        _metrics.OnScrape(() => failures.RuleErrorsSampled(rules.ErrorsOf));
        _metrics.OnScrape(() => _metrics.Receive.InFlightSampled(inFlight.TakenBytes, inFlight.LimitBytes));

        Func<string?, RequestDelegate>? CreateGrpc(ReceiverOptions receiver) => receiver.Grpc is not { } grpc ? null : credentialHeader =>
        {
            var receive = new ReceiveOptions { MessageBytesMax = grpc.MaxReceiveMessageBytes, ForwardedHeaders = processor.ForwardHeaders };
            var service = new ExportService(
                new ReceiverPipelines(new ExportPipelines(signal => CreatePipeline(receiver, signal))),
                inFlight,
                new ForwardedHeaders(receive, credentialHeader),
                _metrics.Receive,
                new ReceiverMetrics(_metrics.Factory, receiver.Id, ReceiverMetrics.Grpc),
                _metrics.MemoryLimiter,
                time);
            return new GrpcHandler(new Admission(inFlight, payloads, receive, _metrics.Receive, time), new ReceiverScope(service, _server.Services), _server.Grpc).InvokeAsync;
        };

        ExportPipeline? CreatePipeline(ReceiverOptions receiver, Signal signal) => options.PipelineOf(receiver.Id, signal) is not { } pipeline ? null : new ExportPipeline(
            signal,
            new RequestScanner(pipeline.IsTapped ? rules : CompiledRules.None),
            scans,
            payloads,
            pipeline.IsTapped && processor.IsTeed ? _tee : null,
            pipeline.Primary is { } primary ? _exporters.Primary(primary) : null,
            [.. pipeline.Others.Select(other => _exporters.Beside(other, signal))],
            _metrics.Receive,
            failures,
            pipeline.IsTapped ? invalid : null);
    }

    /// <summary>Where agents send to over TCP: the first receiver's OTLP/gRPC. Known once started (port 0 lets the system choose).</summary>
    public IPEndPoint GrpcEndpoint { get; private set; } = new(IPAddress.None, 0);

    /// <summary>Metrics and health.</summary>
    public IPEndPoint AdminEndpoint { get; private set; } = new(IPAddress.None, 0);

    /// <summary>All of them, by their names.</summary>
    public ListenerSet Listeners => _listeners;

    /// <param name="caseWritten">Told of each case that is written, on the corpus's own thread.</param>
    public static TapHost Create(TapOptions options, TimeProvider time, ILoggerFactory logs, CaseHandler? caseWritten = null) =>
        new(options, time, logs, caseWritten);

    /// <exception cref="ListenException">A port cannot be opened.</exception>
    public async Task StartAsync(CancellationToken cancellation)
    {
        _recording = Task.Run(_recorderLoop.RunAsync, CancellationToken.None);
        _captureLoop.Start();
        await _listeners.ApplyAsync(_plan().All, _options.Service.ShutdownDeadline, cancellation);
        GrpcEndpoint = _listeners.BoundTo(ListenerName.Grpc(_options.Receivers[0].Id)) as IPEndPoint ?? GrpcEndpoint;
        AdminEndpoint = _listeners.BoundTo(ListenerName.Admin) as IPEndPoint ?? AdminEndpoint;
        _probing = ProbeAsync();
        _readiness.Listening();
    }

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
        using var deadline = new CancellationTokenSource(_options.Service.ShutdownDeadline, _time);
        var started = _time.GetTimestamp();
        await _stopping.CancelAsync();
        _exporters.EndWaits();
        await _listeners.StopAsync(deadline.Token);
        try
        {
            await _exporters.DrainAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            _log.NotDrained(_options.Service.ShutdownDeadline);
        }

        // The exporters' last word: calls that still hang end with UNAVAILABLE, and their payloads come back.
        await _exporters.DisposeAsync();
        _tee.Complete();
        await _recording;
        await _probing;

        // Cases are what a restart must not lose: they get a second even where the requests took all the time.
        var left = _options.Service.ShutdownDeadline - _time.GetElapsedTime(started);
        await _captureLoop.FlushAsync(left > TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _listeners.DisposeAsync();
        await _server.DisposeAsync();
        _recorder.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Keeps the answer of /readyz fresh while no requests show whether the upstreams are there.</summary>
    private async Task ProbeAsync()
    {
        using var timer = new PeriodicTimer(ProbeInterval, _time);
        try
        {
            do
            {
                await _exporters.ProbeAsync(_stopping.Token);
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The tap is going down.
        }
    }
}
