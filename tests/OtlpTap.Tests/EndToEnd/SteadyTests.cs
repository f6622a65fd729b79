using System.Globalization;
using OtlpTap.Benchmarks.Steady;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// The short form of the benchmark <c>steady</c>: what holds for seconds of some load must hold for minutes of full load.
/// <c>OTLPTAP_STEADY_SECONDS</c> makes it last longer than the seconds that it takes by default.
/// </summary>
public sealed class SteadyTests
{
    // All that comes in these seconds stays in the recorder, however slow the machine is.
    private const int Senders = 2;
    private const int RequestsPerSecond = 150;
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("OTLPTAP_STEADY_SECONDS") ?? "8", CultureInfo.InvariantCulture));

    [Fact]
    public async Task Every_failing_trace_that_was_acknowledged_is_counted_in_a_case()
    {
        using var files = new TapFiles().Configure(settle: "1s", shutdown: "1m");
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Fastest, ["--config", files.ConfigFile]);
        using var client = new ExportClient(tap.GrpcEndpoint);
        using var stop = new CancellationTokenSource(Time);
        var load = new SteadyLoad(Senders, failingTraces: 0.02) { RequestsPerSecond = RequestsPerSecond };

        await load.RunAsync((message, cancellation) => client.Export(Signal.Traces, message, cancellation: cancellation).ResponseAsync, stop.Token);
        var dropped = await tap.MetricAsync("otlptap_tee_dropped_requests_total");
        tap.Terminate();
        var exitCode = await tap.ExitCodeAsync();

        var kept = KeptCases.Read(files.Cases);
        Assert.Equal((0, 0L, 0.0), (exitCode, load.Refused, dropped));
        Assert.NotEmpty(load.FailedTools);
        Assert.Equal(load.FailedTools.OrderBy(pair => pair.Key, StringComparer.Ordinal), kept.Occurrences.OrderBy(pair => pair.Key, StringComparer.Ordinal));
        Assert.Empty(kept.OfHealthyTraces);
    }
}
