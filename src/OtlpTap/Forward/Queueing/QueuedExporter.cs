using System.Diagnostics;
using System.Threading.Channels;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Queueing;

/// <summary>
/// <c>sending_queue</c> of an exporter whose answer is nobody's: takes a request at once, without its credit, and sends
/// the same bytes in its own time. A destination that stalls fills this queue and holds nothing else. For one signal, as
/// the Collector's, so that a flood of one does not push out another.
/// <para>
/// The unbounded channel with credits before it, as the tee has it: its producers take no lock. What does not fit, or
/// fails in the end, is lost: counted and logged. The exporter inside stays its owner's.
/// </para>
/// </summary>
internal sealed class QueuedExporter : IExporter
{
    /// <summary>Channel slot, payload object, metadata object: charged, so that a flood of tiny requests is bounded too.</summary>
    internal const int RequestOverheadBytes = 512;

    private static readonly Task<ExportReply> Taken = Task.FromResult(ExportReply.Accepted);
    private static readonly Task<ExportReply> Full = Task.FromResult(new ExportReply(StatusCode.Unavailable, "the sending queue is full", default, []));

    private readonly Signal _signal;
    private readonly IExporter _inner;
    private readonly QueueSizer _sizer;
    private readonly ExporterMetrics _metrics;
    private readonly ILogger _log;
    private readonly LossLog _losses;
    private readonly ByteBudget _units;
    private readonly ByteBudget _bytes;
    private readonly Outstanding _outstanding = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<QueuedRequest> _channel = Channel.CreateUnbounded<QueuedRequest>(new UnboundedChannelOptions
    {
        AllowSynchronousContinuations = false, // else the request's thread would do the sending
    });

    private readonly Task _sending;

    public QueuedExporter(Signal signal, IExporter inner, QueueOptions options, ExporterMetrics metrics, TimeProvider time, ILogger<QueuedExporter> log)
    {
        _signal = signal;
        _inner = inner;
        _sizer = options.Sizer;
        _metrics = metrics;
        _log = log;
        _losses = new LossLog(inner.Id, time, log);
        _units = new ByteBudget(options.Size);
        _bytes = new ByteBudget(options.BytesMax);
        _sending = Task.WhenAll(Enumerable.Range(0, options.Consumers).Select(_ => Task.Run(SendAllAsync)));
    }

    public string Id => _inner.Id;

    public bool IsReachable => _inner.IsReachable;

    /// <summary>Ends at once: OK when the request is in the queue. The sender's cancellation has no say.</summary>
    public Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        Debug.Assert(signal == _signal, "A queue holds requests of one signal.");
        var request = new QueuedRequest(payload, metadata, payload.ItemCount, UnitsOf(payload), BytesOf(payload, metadata));
        payload.ReturnCredit();
        return TryEnqueue(request) ? Taken : Full;
    }

    public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => _inner.ProbeAsync(cancellation);

    /// <summary>Sent, given up or lost is all that waited. Failures are retried meanwhile as ever.</summary>
    public Task DrainAsync(CancellationToken deadline) => _outstanding.DrainAsync(deadline);

    /// <summary>What still waits is lost; what is being sent is not waited for.</summary>
    public async ValueTask DisposeAsync()
    {
        _channel.Writer.TryComplete();
        await _stopping.CancelAsync();
        await _sending;
        _losses.Flush();
    }

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics() => _metrics.QueueSampled(_signal, _units.TakenBytes, _units.LimitBytes, _bytes.TakenBytes);

    private bool TryEnqueue(QueuedRequest request)
    {
        if (!_units.TryTake(request.Units))
        {
            Overflow(request);
            return false;
        }

        if (!_bytes.TryTake(request.Bytes))
        {
            _units.Return(request.Units);
            Overflow(request);
            return false;
        }

        _outstanding.Enter(_signal);

        // The exporter inside holds a credit for its time, which must not be this request's: a stalled one would keep it.
        request = request with { Payload = request.Payload.WithoutCredit() };
        if (!_channel.Writer.TryWrite(request))
        {
            request.Payload.Release();
            LostAtTheEnd(request);
            End(request);
            return false;
        }

        return true;
    }

    private void Overflow(QueuedRequest request)
    {
        request.Payload.Release();
        _metrics.EnqueueFailed(_signal, request.Items);
        Lost(request, LossReason.QueueFull, "the sending queue is full");
    }

    private async Task SendAllAsync()
    {
        await foreach (var request in _channel.Reader.ReadAllAsync())
        {
            try
            {
                await SendAsync(request);
            }
            catch (Exception e) // The edge of the loop: a mistake with one request must not stop the queue.
            {
                _log.SendFaulted(Id, e);
                Lost(request, LossReason.Failed, e.GetType().Name);
            }

            End(request);
        }
    }

    private async Task SendAsync(QueuedRequest request)
    {
        if (_stopping.IsCancellationRequested)
        {
            request.Payload.Release();
            LostAtTheEnd(request);
            return;
        }

        try
        {
            request.Payload.HoldCredit();
            var reply = await _inner.ExportAsync(_signal, request.Payload, request.Metadata, _stopping.Token);
            if (reply.Status != StatusCode.OK)
            {
                _metrics.SendFailed(_signal, request.Items);
                Lost(request, LossReason.Failed, $"{reply.Status}: {reply.Message}");
            }
            else if (!reply.Body.IsEmpty && PartialSuccess.TryRead(reply.Body.Span, out var partial) && partial.Rejected > 0)
            {
                // Counted as failed where the reply came in.
                Lost(request with { Items = (int)Math.Min(partial.Rejected, request.Items) }, LossReason.Failed, $"rejected: {partial.Message}");
            }
        }
        catch (OperationCanceledException)
        {
            LostAtTheEnd(request);
        }
    }

    private void LostAtTheEnd(QueuedRequest request)
    {
        _metrics.SendFailed(_signal, request.Items);
        Lost(request, LossReason.Shutdown, "the exporter was stopped before they were sent");
    }

    private void Lost(QueuedRequest request, LossReason reason, string cause)
    {
        _metrics.Lost(_signal, request.Items, reason);
        _losses.Lost(request.Items, cause);
    }

    private void End(QueuedRequest request)
    {
        _units.Return(request.Units);
        _bytes.Return(request.Bytes);
        _outstanding.Exit(_signal);
    }

    private long UnitsOf(Payload payload) => _sizer switch
    {
        QueueSizer.Items => payload.ItemCount,
        QueueSizer.Bytes => payload.Length,
        _ => 1,
    };

    private static long BytesOf(Payload payload, RequestMetadata metadata) =>
        payload.Length + (payload.Gzip?.Length ?? 0) + metadata.MemoryBytes + RequestOverheadBytes;
}
