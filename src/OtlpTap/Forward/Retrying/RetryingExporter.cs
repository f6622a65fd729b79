using Grpc.Core;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Retrying;

/// <summary>
/// <c>retry_on_failure</c>: sends a request again while the reply says that this may help, and gives back the last reply.
/// What waits keeps its bytes and its credit: it is in flight. The exporter inside stays its owner's.
/// </summary>
internal sealed class RetryingExporter(IExporter inner, RetryOptions options, ExporterMetrics metrics, TimeProvider time, Random random) : IExporter
{
    /// <summary>A destination that asks for more is asked again all the same: what waits is held in memory.</summary>
    public static readonly TimeSpan WaitMax = TimeSpan.FromHours(1);

    private readonly Outstanding _outstanding = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly int[] _waiting = new int[Enum.GetValues<Signal>().Length];

    public string Id => inner.Id;

    public bool IsReachable => inner.IsReachable;

    /// <summary>Requests between two attempts.</summary>
    public int Waiting(Signal signal) => Volatile.Read(ref _waiting[(int)signal]);

    public async Task<ExportReply> ExportAsync(Signal signal, Payload payload, RequestMetadata metadata, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var schedule = new RetrySchedule(options, random);
        _outstanding.Enter(signal);
        try
        {
            while (true)
            {
                payload.AddReference();
                payload.HoldCredit();
                var reply = await inner.ExportAsync(signal, payload, metadata, cancellation);
                if (reply.Status == StatusCode.OK || !FailureKind.IsRetryable(reply))
                {
                    return reply;
                }

                var wait = WaitAfter(reply, schedule.Next());
                if (options.ElapsedMax > TimeSpan.Zero && time.GetElapsedTime(started) + wait > options.ElapsedMax)
                {
                    return reply;
                }

                if (!await WaitedAsync(signal, wait, cancellation))
                {
                    return reply;
                }

                metrics.Retried(signal);
            }
        }
        finally
        {
            payload.ReturnCredit();
            payload.Release();
            _outstanding.Exit(signal);
        }
    }

    public ValueTask<bool> ProbeAsync(CancellationToken cancellation) => inner.ProbeAsync(cancellation);

    /// <summary>Ends all waits, now and from now on, with the replies that they wait after.</summary>
    public void EndWaits() => _ending.Cancel();

    public Task DrainAsync(CancellationToken deadline)
    {
        EndWaits();
        return _outstanding.DrainAsync(deadline);
    }

    /// <summary>Ends all waits. Attempts that are under way end with the exporter inside.</summary>
    public ValueTask DisposeAsync()
    {
        EndWaits();
        return ValueTask.CompletedTask;
    }

    private static TimeSpan WaitAfter(ExportReply reply, TimeSpan scheduled)
    {
        var wait = FailureKind.TryGetRetryDelay(reply, out var asked) && asked > scheduled ? asked : scheduled;
        return wait < WaitMax ? wait : WaitMax;
    }

    /// <summary>False when waiting was ended.</summary>
    private async Task<bool> WaitedAsync(Signal signal, TimeSpan wait, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _ending.Token);
        var waiting = Task.Delay(wait, time, either.Token);
        Interlocked.Increment(ref _waiting[(int)signal]);
        try
        {
            await waiting;
            return true;
        }
        catch (OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            return false;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting[(int)signal]);
        }
    }
}
