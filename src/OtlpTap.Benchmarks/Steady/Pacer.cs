using System.Diagnostics;
using System.Threading.Channels;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>
/// Says when requests are due: at moments of chance (Poisson), to the millisecond. On a thread of its own that sleeps: on Linux the timers
/// behind <see cref="Task.Delay(TimeSpan)"/> know steps of four milliseconds only, and all that is due in one comes at once.
/// </summary>
/// <param name="seed">Of chance: the same moments for the same seed.</param>
internal sealed class Pacer(int seed)
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

    private readonly Channel<long> _due = Channel.CreateUnbounded<long>(new UnboundedChannelOptions { SingleWriter = true });
    private double _requestsPerSecond;

    /// <summary>0: none is due.</summary>
    public double RequestsPerSecond
    {
        get => Volatile.Read(ref _requestsPerSecond);
        set => Volatile.Write(ref _requestsPerSecond, value);
    }

    /// <summary>When requests are due, by <see cref="Stopwatch.GetTimestamp"/>: told once it is so far. Ends some milliseconds after the pacer was stopped.</summary>
    public ChannelReader<long> Due => _due.Reader;

    public Task RunAsync(CancellationToken stop) => Task.Factory.StartNew(() => Run(stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken stop)
    {
        var chance = new Random(seed);
        for (var due = 0L; !stop.IsCancellationRequested; Thread.Sleep(Step))
        {
            if (RequestsPerSecond is not (> 0 and var rate))
            {
                continue;
            }

            var now = Stopwatch.GetTimestamp();
            for (due = due == 0 ? now : due; due <= now; due += (long)(-Math.Log(1 - chance.NextDouble()) / rate * Stopwatch.Frequency))
            {
                _due.Writer.TryWrite(due);
            }
        }

        _due.Writer.Complete();
    }
}
