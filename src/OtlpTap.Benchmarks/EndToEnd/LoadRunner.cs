using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Payloads;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>One load against one proxy at a time: warm-up, and runs that are measured and checked.</summary>
internal sealed class LoadRunner(H2Load h2Load, SinkProcess sink, LoadCase load, EndToEndOptions options, TemporaryFolder folder)
{
    private const int FirstRunRequests = 200;
    private const int WarmUpRuns = 2;

    /// <summary>A tap tells the backend of verdicts and advice, at any time: some 400 bytes each.</summary>
    private const long OwnTelemetryBytesMax = 16 << 10;

    private readonly byte[] _frame = AgentTraces.Frame(AgentTraces.Request(load.Spans, options.Failing ? load.FailingSpans : 0));
    private readonly Dictionary<string, double> _requestsPerSecond = [];
    private readonly string _frameFile = folder.Combine("request.bin");

    public int RequestBytes => _frame.Length;

    /// <summary>What is wrong with the proxy, or null when it is warm and may be measured.</summary>
    public async Task<string?> FindProblemAsync(RunningProxy proxy, CancellationToken cancellation)
    {
        var check = new ProxyCheck(sink);
        var problem = await check.FindProblemAsync(proxy.Port, Frame(failingSpans: 0), isTagged: false, cancellation)
            ?? await check.FindProblemAsync(proxy.Port, Frame(load.FailingSpans), proxy.TagsFailures, cancellation);
        if (problem is not null)
        {
            return problem;
        }

        await File.WriteAllBytesAsync(_frameFile, _frame, cancellation);
        var first = await h2Load.RunAsync(proxy.Port, load, _frameFile, Math.Max(FirstRunRequests, InFlight), TimeSpan.Zero, cancellation);
        _requestsPerSecond[proxy.Name] = first.RequestsPerSecond;
        var warmUp = options.WarmUp / WarmUpRuns;
        for (var run = 0; run < WarmUpRuns; run++)
        {
            var report = await h2Load.RunAsync(proxy.Port, load, _frameFile, RequestsFor(proxy, warmUp), warmUp, cancellation);
            _requestsPerSecond[proxy.Name] = report.RequestsPerSecond;
        }

        return null;
    }

    /// <summary>Throws <see cref="InvalidOperationException"/> when not every request arrived.</summary>
    public Task<Measurement> MeasureAsync(RunningProxy proxy, CancellationToken cancellation) =>
        Quietest.OfAsync(() => MeasureOnceAsync(proxy, cancellation), measurement => measurement.ForeignCores, options.RepeatsMax);

    private byte[] Frame(int failingSpans) => AgentTraces.Frame(AgentTraces.Request(load.Spans, failingSpans));

    private long MessageLength => _frame.Length - ProxyCheck.FrameHeaderLength;

    private int InFlight => load.Connections * load.Streams;

    private long RequestsFor(RunningProxy proxy, TimeSpan duration) =>
        Math.Max(InFlight, (long)(_requestsPerSecond[proxy.Name] * duration.TotalSeconds));

    private async Task<Measurement> MeasureOnceAsync(RunningProxy proxy, CancellationToken cancellation)
    {
        var requests = RequestsFor(proxy, options.Duration);
        var allocatedBefore = await proxy.AllocatedBytesAsync(cancellation);
        var arrivedBefore = await sink.CountAsync(cancellation);
        var machine = new ProcessorLoad(proxy.ProcessId, sink.Id);
        var cpuBefore = ProcessCpu.Read(proxy.ProcessId);

        var report = await h2Load.RunAsync(proxy.Port, load, _frameFile, requests, options.Duration, cancellation);

        var cpuAfter = ProcessCpu.Read(proxy.ProcessId);
        var foreignCores = machine.ForeignCores();
        var arrived = await sink.CountAsync(cancellation) - arrivedBefore;
        var allocated = await proxy.AllocatedBytesAsync(cancellation) - allocatedBefore;
        if (FindLoss(proxy, report, requests, arrived) is { } loss)
        {
            throw new InvalidOperationException(loss);
        }

        return new Measurement(
            proxy.Name,
            report.RequestsPerSecond,
            cpuAfter.NanosecondsSince(cpuBefore) / 1000 / requests,
            report.P50Microseconds,
            report.P99Microseconds,
            (double)arrived.Requests / requests,
            (double)arrived.MessageBytes / requests - MessageLength,
            allocated / requests,
            ProcessCpu.ResidentBytes(proxy.ProcessId),
            foreignCores);
    }

    // A proxy may merge calls, so bytes are compared; one that tags adds to them.
    private string? FindLoss(RunningProxy proxy, H2LoadReport report, long requests, SinkCount arrived)
    {
        var sent = requests * MessageLength;
        var more = arrived.MessageBytes - sent;
        var complete = more >= 0 && (options.Failing || more <= (proxy.TagsFailures ? OwnTelemetryBytesMax : 0));
        return report.Succeeded == requests && complete
            ? null
            : $"sent {requests} requests, {sent} bytes; {report.Succeeded} answered, {arrived.MessageBytes} bytes arrived in {arrived.Requests} calls";
    }
}
