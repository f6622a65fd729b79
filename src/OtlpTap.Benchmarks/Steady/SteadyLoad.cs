using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>Sends one message and returns when it was acknowledged; throws <see cref="RpcException"/> when it was not.</summary>
internal delegate Task SendRequest(byte[] message, CancellationToken cancellation);

/// <summary>
/// Senders that each send the next request as soon as the last one was answered, or take the next that is due, and what they were told.
/// A request that is due while every sender still waits is late by that: who falls behind does not hide it.
/// </summary>
/// <param name="seed">Of the moments at which requests are due.</param>
internal sealed class SteadyLoad(int senders, double failingTraces, int seed = 0)
{
    private readonly ConcurrentDictionary<string, long> _failedTools = new(StringComparer.Ordinal);
    private readonly Pacer _pacer = new(seed);
    private long _acknowledged;
    private long _refused;

    /// <summary>Of all senders together, at moments of chance (Poisson). 0: as many as are answered.</summary>
    public double RequestsPerSecond
    {
        get => _pacer.RequestsPerSecond;
        set => _pacer.RequestsPerSecond = value;
    }

    public LatencyWindow Latencies { get; } = new();

    /// <summary>Requests that were acknowledged.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Requests that were answered with an error, which are not sent again.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Failing traces of the requests that were acknowledged, by the tool that failed.</summary>
    public IReadOnlyDictionary<string, long> FailedTools => _failedTools;

    public Task RunAsync(SendRequest send, CancellationToken stop) =>
        Task.WhenAll([_pacer.RunAsync(stop), .. Enumerable.Range(0, senders).Select(number => Task.Run(() => SendAsync((uint)number, send, stop), CancellationToken.None))]);

    private async Task SendAsync(uint number, SendRequest send, CancellationToken stop)
    {
        var stream = new TraceStream(number, failingTraces);
        while (!stop.IsCancellationRequested && await StartAsync() is { } started)
        {
            var message = stream.Next(out var failedTool);
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

    /// <summary>From when the next request counts, once it is to be sent; null when there is none any more.</summary>
    private async ValueTask<long?> StartAsync()
    {
        if (RequestsPerSecond == 0)
        {
            return Stopwatch.GetTimestamp();
        }

        while (await _pacer.Due.WaitToReadAsync())
        {
            if (_pacer.Due.TryRead(out var due))
            {
                return due;
            }
        }

        return null;
    }
}
