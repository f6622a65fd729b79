using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>Sends one message and returns when it was acknowledged; throws <see cref="RpcException"/> when it was not.</summary>
internal delegate Task SendRequest(byte[] message, CancellationToken cancellation);

/// <summary>Senders that each send the next request as soon as the last one was answered, and what they were told.</summary>
internal sealed class SteadyLoad(int senders, double failingTraces, TimeSpan pause = default)
{
    private readonly ConcurrentDictionary<string, long> _failedTools = new(StringComparer.Ordinal);
    private long _acknowledged;
    private long _refused;

    public LatencyWindow Latencies { get; } = new();

    /// <summary>Requests that were acknowledged.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Requests that were answered with an error, which are not sent again.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Failing traces of the requests that were acknowledged, by the tool that failed.</summary>
    public IReadOnlyDictionary<string, long> FailedTools => _failedTools;

    public Task RunAsync(SendRequest send, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, senders).Select(number => Task.Run(() => SendAsync((uint)number, send, stop), CancellationToken.None)));

    private async Task SendAsync(uint number, SendRequest send, CancellationToken stop)
    {
        var stream = new TraceStream(number, failingTraces);
        while (!stop.IsCancellationRequested)
        {
            var message = stream.Next(out var failedTool);
            var started = Stopwatch.GetTimestamp();
            try
            {
                // Not cut off at the end: whether it was acknowledged would not be known.
                await send(message, CancellationToken.None);
            }
            catch (RpcException)
            {
                Interlocked.Increment(ref _refused);
                continue;
            }

            Latencies.Add(Stopwatch.GetElapsedTime(started));
            Interlocked.Increment(ref _acknowledged);
            if (failedTool is not null)
            {
                _failedTools.AddOrUpdate(failedTool, 1, static (_, count) => count + 1);
            }

            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, CancellationToken.None);
            }
        }
    }
}
