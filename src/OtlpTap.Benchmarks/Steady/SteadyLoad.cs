using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>Sends one message and returns when it was acknowledged; throws <see cref="RpcException"/> when it was not.</summary>
internal delegate Task SendRequest(byte[] message, CancellationToken cancellation);

/// <summary>
/// Senders that each send the next request as soon as the last one was answered, or when it is due, and what they were told.
/// A request that was due while its sender still waited is late by that: who falls behind does not hide it.
/// </summary>
internal sealed class SteadyLoad(int senders, double failingTraces)
{
    private readonly ConcurrentDictionary<string, long> _failedTools = new(StringComparer.Ordinal);
    private long _acknowledged;
    private long _refused;
    private double _requestsPerSecond;

    /// <summary>Of all senders together, each at moments of its own, as chance has it (Poisson). 0: as many as are answered.</summary>
    public double RequestsPerSecond
    {
        get => Volatile.Read(ref _requestsPerSecond);
        set => Volatile.Write(ref _requestsPerSecond, value);
    }

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
        var chance = new Random((int)number);
        var due = 0L;
        while (!stop.IsCancellationRequested)
        {
            var message = stream.Next(out var failedTool);
            var started = Stopwatch.GetTimestamp();
            due = RequestsPerSecond is > 0 and var rate ? (due == 0 ? started : due) + NextTicks(chance, rate / senders) : 0;
            if (due > started)
            {
                await Task.Delay(Stopwatch.GetElapsedTime(started, due), CancellationToken.None);
                started = Stopwatch.GetTimestamp();
            }
            else if (due > 0)
            {
                started = due;
            }

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
        }
    }

    private static long NextTicks(Random chance, double perSecond) => (long)(-Math.Log(1 - chance.NextDouble()) / perSecond * Stopwatch.Frequency);
}
