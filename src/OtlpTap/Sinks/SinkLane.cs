using System.Threading.Channels;
using OtlpTap.Buffers;
using OtlpTap.Metrics;

namespace OtlpTap.Sinks;

/// <summary>
/// One sink and what waits for it: a queue bounded in bytes, worked off one case after the other. However slow the sink is,
/// neither the corpus nor another sink waits for it.
/// </summary>
internal sealed class SinkLane : IAsyncDisposable
{
    // With the waits of 1, 2, 4, 8 and 16 s: half a minute, in which a backend restarts.
    private const int AttemptsMax = 6;

    // What an entry costs beside the trace that it names.
    private const int ItemOverheadBytes = 512;

    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromSeconds(1);

    // A sink that asks for more is asked again all the same: others wait behind.
    private static readonly TimeSpan RetryDelayMax = TimeSpan.FromSeconds(30);

    private readonly ICaseSink _sink;
    private readonly SinkMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ByteBudget _queued;
    private readonly Channel<SinkItem> _queue = Channel.CreateUnbounded<SinkItem>(new UnboundedChannelOptions { SingleReader = true });

    // Ends all waits; and, at the deadline, what is under way.
    private readonly CancellationTokenSource _draining = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _sending;

    // The loop alone.
    private bool _isFailing;

    public SinkLane(string name, long queueBytesMax, ICaseSink sink, SinkMetrics metrics, TimeProvider time, ILogger logger)
    {
        Name = name;
        _queued = new ByteBudget(queueBytesMax);
        _sink = sink;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _sending = Task.Run(SendAllAsync);
    }

    public string Name { get; }

    /// <summary>Does not wait. What does not fit is dropped and counted.</summary>
    public void Offer(SinkItem item)
    {
        var bytes = item.Bytes + ItemOverheadBytes;
        if (!_queued.TryTake(bytes))
        {
            _metrics.Dropped(SinkDropReason.QueueFull);
        }
        else if (!_queue.Writer.TryWrite(item))
        {
            _queued.Return(bytes);
            _metrics.Dropped(SinkDropReason.Shutdown);
        }
    }

    /// <summary>Sends what waits, each case once more at most; what is left at the deadline is counted.</summary>
    public async Task DrainAsync(CancellationToken deadline)
    {
        _queue.Writer.TryComplete();
        await _draining.CancelAsync();
        await using var ending = deadline.UnsafeRegister(static ending => ((CancellationTokenSource)ending!).Cancel(), _ending);
        await _sending;
    }

    public void PublishMetrics() => _metrics.QueueSampled(_queued.TakenBytes);

    /// <summary>After it was drained.</summary>
    public async ValueTask DisposeAsync()
    {
        await _sink.DisposeAsync();
        _draining.Dispose();
        _ending.Dispose();
    }

    private async Task SendAllAsync()
    {
        await foreach (var item in _queue.Reader.ReadAllAsync())
        {
            try
            {
                await SendAsync(item);
            }
            catch (OperationCanceledException)
            {
                _metrics.Dropped(SinkDropReason.Shutdown);
            }
            catch (Exception exception) // the edge of the loop: one case must not end the sending of all others
            {
                _metrics.Failed(SinkFailReason.Internal);
                _logger.Faulted(Name, exception);
            }

            _queued.Return(item.Bytes + ItemOverheadBytes);
        }
    }

    private async Task SendAsync(SinkItem item)
    {
        var delay = FirstRetryDelay;
        for (var attempt = 1; ; attempt++)
        {
            _ending.Token.ThrowIfCancellationRequested();
            var reply = await _sink.SendAsync(item, _ending.Token);
            if (reply.Failure is not { } failure)
            {
                _metrics.Sent();
                if (_isFailing)
                {
                    _isFailing = false;
                    _logger.TakenAgain(Name);
                }

                return;
            }

            if (!_isFailing)
            {
                _isFailing = true;
                _logger.NotTaken(Name, reply.Cause);
            }

            if (!reply.IsRetryable || attempt == AttemptsMax || _draining.IsCancellationRequested)
            {
                _metrics.Failed(failure);
                return;
            }

            await WaitAsync(reply.RetryAfter is { } asked && asked > delay ? asked : delay);
            delay *= 2;
            _metrics.Retried();
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
}
