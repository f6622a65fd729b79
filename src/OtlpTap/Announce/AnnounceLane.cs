using System.Threading.Channels;
using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Announce;

/// <summary>
/// The verdicts of one signal on their way: a queue bounded in bytes, then batches, one after the other, each to all
/// exporters at once. A batch that is refused for a while is sent again, and what comes meanwhile waits in the queue.
/// </summary>
internal sealed class AnnounceLane : IDisposable
{
    /// <summary>A batch is sent when it is so large,</summary>
    public const int BatchBytesMax = 512 << 10;

    /// <summary>
    /// Some thousand verdicts of ordinary size: minutes of a backend that is away. With what an entry costs beside its bytes.
    /// </summary>
    public const long QueueBytesMax = 8L << 20;

    // With the waits of 1, 2, 4, 8 and 16 s: half a minute, in which a backend restarts.
    private const int AttemptsMax = 6;
    private const int EntryOverheadBytes = 64;

    /// <summary>or when its first verdict has waited for so long.</summary>
    public static readonly TimeSpan BatchDelay = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromSeconds(1);

    // A backend that asks for more is asked again all the same: others wait behind.
    private static readonly TimeSpan RetryDelayMax = TimeSpan.FromSeconds(30);

    private readonly AnnounceTargets _targets;
    private readonly PayloadPool _payloads;
    private readonly AnnounceMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _name;
    private readonly ByteBudget _queued = new(QueueBytesMax);
    private readonly Channel<byte[]> _queue = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true });

    // Ends all waits; and, at the deadline, what is under way.
    private readonly CancellationTokenSource _draining = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _sending;

    // The exporters that were said not to take verdicts. Under its own lock: several end at the same time.
    private readonly HashSet<string> _failing = new(StringComparer.Ordinal);

    public AnnounceLane(Signal signal, AnnounceTargets targets, PayloadPool payloads, AnnounceMetrics metrics, TimeProvider time, ILogger logger)
    {
        Signal = signal;
        _name = signal == Signal.Traces ? "traces" : "logs";
        _targets = targets;
        _payloads = payloads;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _sending = Task.Run(SendAllAsync);
    }

    public Signal Signal { get; }

    public long QueuedBytes => _queued.TakenBytes;

    public bool IsFull => _queued.TakenBytes >= QueueBytesMax;

    /// <param name="request">A serialized export request with one item. What does not fit is dropped and counted.</param>
    public void Offer(byte[] request)
    {
        var bytes = request.Length + EntryOverheadBytes;
        if (!_queued.TryTake(bytes))
        {
            _metrics.Dropped(Signal, AnnounceDropReason.QueueFull);
        }
        else if (!_queue.Writer.TryWrite(request))
        {
            _queued.Return(bytes);
            _metrics.Dropped(Signal, AnnounceDropReason.Shutdown);
        }
    }

    public async Task DrainAsync(CancellationToken deadline)
    {
        _queue.Writer.TryComplete();
        await _draining.CancelAsync();
        await using var ending = deadline.UnsafeRegister(static ending => ((CancellationTokenSource)ending!).Cancel(), _ending);
        await _sending;
    }

    /// <summary>After it was drained.</summary>
    public void Dispose()
    {
        _draining.Dispose();
        _ending.Dispose();
    }

    private async Task SendAllAsync()
    {
        while (await _queue.Reader.WaitToReadAsync())
        {
            var batch = await CollectAsync();
            try
            {
                await SendAsync(batch);
            }
            catch (Exception exception) // The edge of the loop: a mistake with one batch must not stop the others.
            {
                _logger.SendFaulted(_name, exception);
                _metrics.Failed(Signal, AnnounceFailReason.Internal, batch.Count);
            }

            _queued.Return(batch.Sum(static request => (long)request.Length + EntryOverheadBytes));
        }
    }

    /// <summary>At least one: what is there, and what comes while the first may wait.</summary>
    private async Task<List<byte[]>> CollectAsync()
    {
        var batch = new List<byte[]>();
        var bytes = 0;
        using var delay = new CancellationTokenSource(BatchDelay, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(delay.Token, _draining.Token);
        try
        {
            do
            {
                while (bytes < BatchBytesMax && _queue.Reader.TryRead(out var request))
                {
                    batch.Add(request);
                    bytes += request.Length;
                }
            }
            while (bytes < BatchBytesMax && await _queue.Reader.WaitToReadAsync(either.Token));
        }
        catch (OperationCanceledException)
        {
            // Its time is over.
        }

        return batch;
    }

    private async Task SendAsync(List<byte[]> batch)
    {
        if (_ending.IsCancellationRequested)
        {
            _metrics.Dropped(Signal, AnnounceDropReason.Shutdown, batch.Count);
            return;
        }

        var targets = _targets(Signal);
        if (targets.Count == 0)
        {
            _metrics.Dropped(Signal, AnnounceDropReason.NoExporter, batch.Count);
            return;
        }

        var payload = Joined(batch);
        try
        {
            await Task.WhenAll(targets.Select(target => SendAsync(target, payload, batch.Count)));
        }
        finally
        {
            payload.Release();
        }
    }

    private async Task SendAsync(IExporter target, Payload payload, int count)
    {
        var delay = FirstRetryDelay;
        for (var attempt = 1; ; attempt++)
        {
            ExportReply reply;
            try
            {
                payload.AddReference();

                // Of its own for each call, and without a request's credit: nobody on the line waits for these bytes.
                var own = payload.WithoutCredit();
                own.HoldCredit();
                reply = await target.ExportAsync(Signal, own, RequestMetadata.Empty, _ending.Token);
            }
            catch (OperationCanceledException)
            {
                _metrics.Dropped(Signal, AnnounceDropReason.Shutdown, count);
                return;
            }

            if (reply.Status == StatusCode.OK)
            {
                Taken(target, reply, count);
                return;
            }

            NotTaken(target, reply);
            var isRetryable = FailureKind.IsRetryable(reply);
            if (!isRetryable || attempt == AttemptsMax || _draining.IsCancellationRequested)
            {
                _metrics.Failed(Signal, isRetryable ? AnnounceFailReason.Unavailable : AnnounceFailReason.Refused, count);
                return;
            }

            await WaitAsync(FailureKind.TryGetRetryDelay(reply, out var asked) && asked > delay ? asked : delay);
            delay *= 2;

            // A reload may have put another in its place, which is the one to ask from now on.
            if (_targets(Signal).FirstOrDefault(other => other.Id == target.Id) is not { } current)
            {
                _metrics.Dropped(Signal, AnnounceDropReason.NoExporter, count);
                return;
            }

            target = current;
            _metrics.Retried(Signal);
        }
    }

    private async Task WaitAsync(TimeSpan delay)
    {
        try
        {
            await Task.Delay(delay < RetryDelayMax ? delay : RetryDelayMax, _time, _draining.Token);
        }
        catch (OperationCanceledException)
        {
            // Its last attempt is now.
        }
    }

    private void Taken(IExporter target, ExportReply reply, int count)
    {
        var rejected = !reply.Body.IsEmpty && PartialSuccess.TryRead(reply.Body.Span, out var partial) ? (int)Math.Clamp(partial.Rejected, 0, count) : 0;
        _metrics.Sent(Signal, count - rejected);
        if (rejected > 0)
        {
            _metrics.Failed(Signal, AnnounceFailReason.Refused, rejected);
        }

        lock (_failing)
        {
            if (_failing.Remove(target.Id))
            {
                _logger.TakenAgain(_name, target.Id);
            }
        }
    }

    private void NotTaken(IExporter target, ExportReply reply)
    {
        lock (_failing)
        {
            if (_failing.Add(target.Id))
            {
                _logger.NotTaken(_name, target.Id, reply.Status, reply.Message.Cut(256));
            }
        }
    }

    // Serialized requests concatenate: the repeated field goes on.
    private Payload Joined(List<byte[]> batch)
    {
        var payload = _payloads.Rent(batch.Sum(static request => request.Length));
        var written = 0;
        foreach (var request in batch)
        {
            request.CopyTo(payload.Writable[written..]);
            written += request.Length;
        }

        payload.ItemCount = batch.Count;
        return payload;
    }
}
