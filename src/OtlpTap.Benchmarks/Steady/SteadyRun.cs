using Grpc.Core;
using Grpc.Net.Client;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.Steady;

/// <summary>One tap under full load for minutes, in a process of its own before a sink, and then what it has kept.</summary>
internal sealed class SteadyRun(string? binary, TapMode mode, TimeSpan duration, TextWriter progress)
{
    /// <summary>On four connections of eight calls each.</summary>
    private const int Senders = 32;
    private const int Connections = 4;
    private const double FailingTraces = 0.02;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // What waits when the load ends: the tee, and captures that settle.
    private static readonly TimeSpan CaptureDeadline = TimeSpan.FromMinutes(2);

    // From full speed to the one that is measured.
    private static readonly TimeSpan Calming = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan WarmUpDeadline = TimeSpan.FromMinutes(1);

    /// <summary>How many come once the run counts; 0: as many as are answered.</summary>
    public double RequestsPerSecond { get; init; }

    /// <summary>Whether the duration, and all that is measured, begins when the recorder's ring is full: before, each request touches memory that the system has yet to give.</summary>
    public bool BeginsWithFullRing { get; init; }

    /// <summary>Whether somebody asks meanwhile how fresh health is.</summary>
    public bool ProbesFreshness { get; init; }

    /// <summary>Of the moments at which requests come.</summary>
    public int Seed { get; init; }

    /// <exception cref="InvalidOperationException">The tap does not start, or ends.</exception>
    public async Task<SteadyReport> RunAsync(CancellationToken cancellation)
    {
        // A trace must still be in the ring when its case is written: a second after its last span, while hundreds of megabytes come in each.
        var tap = new Tap("tap", binary, mode) { Settings = ("max_size_mib: 1024", ", settle: 1s") };
        if (tap.Missing is { } reason)
        {
            throw new InvalidOperationException(reason);
        }

        using var folder = new TemporaryFolder();
        await using var sink = await SinkProcess.StartAsync(cancellation);
        var load = new SteadyLoad(Senders, FailingTraces, Seed);
        List<SteadySample> samples;
        double cpuNanoseconds;
        long acknowledgedBefore;
        IReadOnlyList<double> freshness;
        await using (var running = await RunningProxy.StartAsync(tap, sink.Port, folder.Path, cancellation))
        {
            (var cpu, acknowledgedBefore, samples, freshness) = await LoadAsync(tap, running, load, cancellation);
            await CapturedAsync(tap, cancellation);
            cpuNanoseconds = ProcessCpu.Read(running.ProcessId).NanosecondsSince(cpu);
            samples.Add(await SampleAsync(tap, running, load, samples[^1].Seconds, 0, cancellation));
        }

        return new SteadyReport(samples, load, cpuNanoseconds / (load.Acknowledged - acknowledgedBefore), KeptCases.Read(Tap.CasesIn(folder.Path, tap.Name)), freshness);
    }

    private async Task<(ProcessCpu Before, long AcknowledgedBefore, List<SteadySample> Samples, IReadOnlyList<double> Freshness)> LoadAsync(Tap tap, RunningProxy running, SteadyLoad load, CancellationToken cancellation)
    {
        var channels = Enumerable.Range(0, Connections).Select(_ => GrpcChannel.ForAddress($"http://127.0.0.1:{running.Port}")).ToList();
        try
        {
            var next = 0;
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var sending = load.RunAsync(
                (message, token) => ProxyCheck.CallAsync(channels[(int)((uint)Interlocked.Increment(ref next) % Connections)], message, token), stop.Token);
            if (BeginsWithFullRing)
            {
                await RingIsFullAsync(tap, cancellation);
            }

            load.RequestsPerSecond = RequestsPerSecond;
            if (RequestsPerSecond > 0)
            {
                await Task.Delay(Calming, cancellation);
            }

            load.Latencies.Take();

            var before = ProcessCpu.Read(running.ProcessId);
            var acknowledgedBefore = load.Acknowledged;
            var probe = new FreshnessProbe(channels[0], tap.HealthAddress);
            var probing = ProbesFreshness ? probe.RunAsync(stop.Token) : Task.CompletedTask;
            var samples = await SampleAsync(tap, running, load, cancellation);
            await stop.CancelAsync();
            await sending;
            await probing;
            return (before, acknowledgedBefore, samples, probe.Milliseconds);
        }
        finally
        {
            channels.ForEach(channel => channel.Dispose());
        }
    }

    /// <exception cref="InvalidOperationException">It does not get full.</exception>
    private static async Task RingIsFullAsync(Tap tap, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval);
        var started = TimeProvider.System.GetTimestamp();
        for (var before = 0.0; await timer.WaitForNextTickAsync(cancellation);)
        {
            var now = PrometheusText.Sum(await tap.MetricsAsync(cancellation), "otlptap_recorder_memory_bytes");
            if (now == before && now > 0)
            {
                return;
            }

            before = now;
            if (TimeProvider.System.GetElapsedTime(started) > WarmUpDeadline)
            {
                throw new InvalidOperationException($"the recorder's ring was not full after {WarmUpDeadline.TotalSeconds:0} s");
            }
        }
    }

    private async Task<List<SteadySample>> SampleAsync(Tap tap, RunningProxy running, SteadyLoad load, CancellationToken cancellation)
    {
        var samples = new List<SteadySample>();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        var (at, acknowledged) = (started, load.Acknowledged);
        using var timer = new PeriodicTimer(Interval);
        while (time.GetElapsedTime(started) < duration && await timer.WaitForNextTickAsync(cancellation))
        {
            var (now, count) = (time.GetTimestamp(), load.Acknowledged);
            var perSecond = (count - acknowledged) / time.GetElapsedTime(at, now).TotalSeconds;
            (at, acknowledged) = (now, count);
            samples.Add(await SampleAsync(tap, running, load, time.GetElapsedTime(started).TotalSeconds, perSecond, cancellation));
            if (samples.Count % 10 == 0)
            {
                progress.WriteLine(SteadyReport.Line(samples[^1]));
            }
        }

        return samples;
    }

    private static async Task<SteadySample> SampleAsync(Tap tap, RunningProxy running, SteadyLoad load, double seconds, double perSecond, CancellationToken cancellation) =>
        SteadySample.Of(seconds, perSecond, load.Latencies.Take(), ProcessCpu.ResidentBytes(running.ProcessId), await tap.MetricsAsync(cancellation));

    /// <summary>Until nothing waits any more to be recorded or to become a case; what then still waits is written when the tap ends, or is missed in the count.</summary>
    private static async Task CapturedAsync(Tap tap, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Interval);
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < CaptureDeadline && await timer.WaitForNextTickAsync(cancellation))
        {
            var page = await tap.MetricsAsync(cancellation);
            if (PrometheusText.Sum(page, "otlptap_corpus_pending_captures") + PrometheusText.Sum(page, "otlptap_tee_queue_requests") == 0)
            {
                return;
            }
        }
    }
}
