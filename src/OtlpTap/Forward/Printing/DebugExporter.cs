using System.Threading.Channels;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Printing;

/// <summary>
/// <c>exporters.debug</c>: what passes, for people. Every request is accepted at once, whether or not it is shown: a
/// console that blocks fills a queue of its own, and what does not fit is not shown, and counted.
/// </summary>
internal sealed class DebugExporter : IExporter
{
    /// <summary>What may wait for the console.</summary>
    public const long QueueBytesMax = 16 << 20;

    /// <summary>Of larger requests only the summary is shown: their text takes several times their bytes.</summary>
    public const int ShownBytesMax = 4 << 20;

    /// <summary>A console that blocks must not keep the tap from ending.</summary>
    private static readonly TimeSpan EndWait = TimeSpan.FromSeconds(1);

    private const int RequestOverheadBytes = 512;

    private static readonly Task<ExportReply> Accepted = Task.FromResult(ExportReply.Accepted);

    private readonly DebugExporterOptions _options;
    private readonly TextWriter _output;
    private readonly ExporterMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Sampling _sampling;
    private readonly ByteBudget _waiting = new(QueueBytesMax);
    private readonly Channel<Shown> _requests = Channel.CreateUnbounded<Shown>(new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = false });
    private readonly Task _showing;

    /// <param name="output">Where to; each request is one write.</param>
    public DebugExporter(DebugExporterOptions options, TextWriter output, ExporterMetrics metrics, TimeProvider time, ILogger<DebugExporter> log)
    {
        _options = options;
        _output = output;
        _metrics = metrics;
        _time = time;
        _log = log;
        _sampling = new Sampling(options.SamplingInitial, options.SamplingThereafter, time);
        _showing = Task.Run(ShowAllAsync);
    }

    public string Id => _options.Id;

    public bool IsReachable => true;

    public Outstanding Outstanding { get; } = new();

    public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        var items = payload.ItemCount;
        payload.ReturnCredit();
        if (!_sampling.TryTake())
        {
            payload.Release();
            _metrics.Accepted(signal, items, ExportReply.Accepted);
            return Accepted;
        }

        var bytes = payload.Length + RequestOverheadBytes;
        if (!_waiting.TryTake(bytes))
        {
            payload.Release();
            _metrics.EnqueueFailed(signal, items);
            return Accepted;
        }

        Outstanding.Enter(signal);
        var shown = new Shown(signal, payload, items, bytes);
        if (!_requests.Writer.TryWrite(shown))
        {
            End(shown);
        }

        return Accepted;
    }

    public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => ValueTask.FromResult(true);

    /// <summary>Nobody loses what is not shown: the end waits for the console, for a moment.</summary>
    public Task DrainAsync(CancellationToken deadline) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        try
        {
            await _showing.WaitAsync(EndWait, _time);
        }
        catch (TimeoutException)
        {
            _log.LeftBehind(Id, Outstanding.Count);
        }
    }

    private async Task ShowAllAsync()
    {
        var hasFailed = false;
        await foreach (var request in _requests.Reader.ReadAllAsync())
        {
            try
            {
                _output.Write(TextOf(request));
                _output.Flush();
                _metrics.Accepted(request.Signal, request.Items, ExportReply.Accepted);
                hasFailed = false;
            }
            catch (Exception e) // The edge of the loop: a console that was closed, or a mistake with one request.
            {
                // The first of a row: the log may be on the same console.
                if (!hasFailed)
                {
                    _log.ShowFaulted(Id, e);
                }

                hasFailed = true;
                _metrics.SendFailed(request.Signal, request.Items);
            }

            End(request);
        }
    }

    private string TextOf(Shown request)
    {
        var (signal, payload) = (request.Signal, request.Payload);
        var summary = $"{Id}: {RequestText.Summary(signal, payload.Span, request.Items)}{Environment.NewLine}";
        if (_options.Verbosity == DebugVerbosity.Basic)
        {
            return summary;
        }

        if (payload.Length > ShownBytesMax)
        {
            return $"{summary}  too large to be shown: {payload.Length} bytes{Environment.NewLine}";
        }

        return summary + (_options.Verbosity == DebugVerbosity.Normal
            ? RequestText.Lines(signal, payload.Span)
            : RequestText.Whole(signal, payload.Span) + Environment.NewLine);
    }

    private void End(Shown request)
    {
        request.Payload.Release();
        _waiting.Return(request.Bytes);
        Outstanding.Exit(request.Signal);
    }

    private readonly record struct Shown(Signal Signal, Payload Payload, int Items, long Bytes);
}
