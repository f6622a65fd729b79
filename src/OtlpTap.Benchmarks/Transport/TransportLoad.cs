using System.Diagnostics;
using System.Security.Cryptography;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Buffers;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Benchmarks.Transport;

/// <summary>
/// Calls of one size over one transport, so many at a time, each followed by the next. Both transports run in this
/// process in turns, with the same pool, the same collector and the same loop around them.
/// </summary>
internal sealed class TransportLoad
{
    // Latencies that are kept; what comes later in a run is not, and the median does not need it.
    private const int SamplesMax = 1 << 18;

    private readonly TransportCase _load;
    private readonly SinkProcess _sink;
    private readonly Payload _payload;
    private readonly long[] _samples = new long[SamplesMax];
    private int _calls;
    private long _deadline;

    public TransportLoad(TransportCase load, SinkProcess sink)
    {
        _load = load;
        _sink = sink;
        _payload = new PayloadPool().Rent(load.MessageBytes);
        RandomNumberGenerator.Fill(_payload.Writable);
    }

    /// <summary>Throws <see cref="InvalidOperationException"/> when a call failed or its bytes did not arrive: such a transport is fast.</summary>
    public async Task<TransportMeasurement> RunAsync(string name, IUpstreamTransport transport, TimeSpan duration, CancellationToken cancellation)
    {
        var arrivedBefore = await _sink.CountAsync(cancellation);
        var allocatedBefore = GC.GetTotalAllocatedBytes(precise: true);
        var machine = new ProcessorLoad(_sink.Id);
        var cpuBefore = ProcessCpu.Read(Environment.ProcessId);
        var started = Stopwatch.GetTimestamp();
        _calls = 0;
        _deadline = started + (long)(duration.TotalSeconds * Stopwatch.Frequency);

        await Task.WhenAll(Enumerable.Range(0, _load.InFlight).Select(_ => Task.Run(() => CallUntilDeadlineAsync(transport, cancellation), cancellation)));

        var elapsed = Stopwatch.GetElapsedTime(started);
        var cpu = ProcessCpu.Read(Environment.ProcessId).NanosecondsSince(cpuBefore);
        var foreignCores = machine.ForeignCores();
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore;
        var arrived = await _sink.CountAsync(cancellation) - arrivedBefore;
        if (arrived != new SinkCount(_calls, (long)_calls * _load.MessageBytes))
        {
            throw new InvalidOperationException($"{name}, {_load.Title}: {_calls} calls were answered, {arrived.Requests} with {arrived.MessageBytes} bytes arrived");
        }

        return new TransportMeasurement(
            _load,
            name,
            cpu / 1000 / _calls,
            (double)allocated / _calls,
            MedianMicroseconds(),
            _calls / elapsed.TotalSeconds,
            foreignCores);
    }

    private async Task CallUntilDeadlineAsync(IUpstreamTransport transport, CancellationToken cancellation)
    {
        long ended;
        do
        {
            var started = Stopwatch.GetTimestamp();
            var answer = await transport.CallAsync(Signal.Traces, new UpstreamBody(_payload), RequestMetadata.Empty, cancellation);
            ended = Stopwatch.GetTimestamp();
            if (answer != UpstreamAnswer.Accepted)
            {
                throw new InvalidOperationException($"{_load.Title}: {answer.Outcome}, {answer.Reply.Status}: {answer.Reply.Message}");
            }

            var call = Interlocked.Increment(ref _calls) - 1;
            if (call < SamplesMax)
            {
                _samples[call] = ended - started;
            }
        }
        while (ended < _deadline);
    }

    private double MedianMicroseconds() =>
        Statistics.Median(_samples.Take(_calls).Select(ticks => Stopwatch.GetElapsedTime(0, ticks).TotalMicroseconds));
}
