using Grpc.Core;
using OtlpTap.Hosting;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>What only a process shows: start, signals, exit codes, what is printed where.</summary>
public sealed class ProcessTests : IDisposable
{
    private static readonly byte[] FailingTool = new TraceBuilder().Span("execute_tool change_address", ("gen_ai.operation.name", "execute_tool")).Failed("no answer").ToBytes();

    private readonly TapFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task It_says_where_it_listens_where_cases_go_and_the_variable_that_agents_need()
    {
        _files.Configure();
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.ConfigFile]);

        Assert.Contains($"  cases       {_files.Cases}\n", tap.Output, StringComparison.Ordinal);
        Assert.Contains("  traces      no upstream configured: acknowledged once they are in the recorder\n", tap.Output, StringComparison.Ordinal);
        Assert.Contains($"OTEL_EXPORTER_OTLP_ENDPOINT=http://{tap.GrpcEndpoint} ", tap.Output, StringComparison.Ordinal);
        Assert.Equal("alive\n", await tap.GetAsync("/healthz"));
        Assert.Equal("", tap.Error);
        Assert.Empty(await tap.ExportAsync(FailingTool));
    }

    [Fact]
    public async Task Without_TLS_no_cryptographic_library_is_loaded()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a process has loaded is read from /proc.");
        _files.Configure();
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.ConfigFile]);
        await tap.GetAsync("/readyz");

        Assert.DoesNotContain(tap.MappedFiles, file => file.StartsWith("libcrypto", StringComparison.Ordinal) || file.StartsWith("libssl", StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_says_where_each_signal_goes()
    {
        await using var upstream = await StubUpstream.StartAsync();
        _files.Configure(upstream.Endpoint);
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.ConfigFile]);

        foreach (var signal in (string[])["traces", "logs", "metrics"])
        {
            Assert.Contains($"  {signal,-10}  to {upstream.Endpoint} (otlp_grpc/upstream)\n", tap.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task At_SIGTERM_a_request_in_flight_gets_its_answer_and_settling_cases_are_written()
    {
        await using var upstream = await StubUpstream.StartAsync();
        var wakes = new TaskCompletionSource();
        upstream.Answer = async (context, call) =>
        {
            if (call.Path.EndsWith("/Export", StringComparison.Ordinal))
            {
                await wakes.Task;
            }

            await StubUpstream.SucceedAsync(context);
        };

        // Longer than the test waits: it ends because nothing is left to do.
        _files.Configure(upstream.Endpoint, shutdown: "10m");
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.ConfigFile]);
        var reply = tap.ExportAsync(FailingTool);
        await Deadline.UntilAsync(() => upstream.Calls.Count == 1, "the request is upstream");

        tap.Terminate();
        await tap.PrintsAsync("otlptap: going down: draining for at most 600 s");
        Assert.False(reply.IsCompleted);
        Assert.False(tap.HasExited);
        wakes.SetResult();

        Assert.Empty(await reply.InTime());
        Assert.Equal(0, await tap.ExitCodeAsync());
        Assert.EndsWith("otlptap: stopped\n", tap.Output, StringComparison.Ordinal);

        // Its trace would have settled for ten minutes.
        Assert.Single(_files.CaseFiles("case.json"));
        Assert.Contains("change_address", await File.ReadAllTextAsync(Assert.Single(_files.CaseFiles("trace.json")), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_deadline_ends_before_the_upstream_wakes_the_sender_is_told_to_come_again_and_the_case_is_written()
    {
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, call) => call.Path.EndsWith("/Export", StringComparison.Ordinal)
            ? Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted)
            : StubUpstream.SucceedAsync(context);
        _files.Configure(upstream.Endpoint, shutdown: "1s");
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.ConfigFile]);
        var reply = tap.ExportAsync(FailingTool);
        await Deadline.UntilAsync(() => upstream.Calls.Count == 1, "the request is upstream");

        tap.Terminate();

        Assert.Equal(0, await tap.ExitCodeAsync());
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => reply.InTime())).StatusCode);
        Assert.Single(_files.CaseFiles("case.json"));
    }

    [Fact]
    public async Task A_second_SIGTERM_ends_it_at_once()
    {
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, call) => call.Path.EndsWith("/Export", StringComparison.Ordinal)
            ? Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted)
            : StubUpstream.SucceedAsync(context);

        // Longer than the test waits: only the second signal can end it in time.
        _files.Configure(upstream.Endpoint, shutdown: "10m");
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.ConfigFile]);
        var reply = tap.ExportAsync(FailingTool);
        await Deadline.UntilAsync(() => upstream.Calls.Count == 1, "the request is upstream");

        tap.Terminate();
        await tap.PrintsAsync("otlptap: going down");
        await tap.TerminateUntilItEndsAsync();

        Assert.Equal(143, await tap.ExitCodeAsync());
        await Assert.ThrowsAsync<RpcException>(() => reply.InTime());
    }

    [Fact]
    public async Task A_port_in_use_is_told_in_one_line_and_exits_1()
    {
        await using var other = await StubUpstream.StartAsync();
        _files.Configure(grpc: other.Endpoint);

        var (exitCode, output, error) = await TapProgram.Built.RunAsync(["--config", _files.ConfigFile]);

        Assert.Equal((1, "", $"otlptap: cannot listen on {other.Endpoint}: Address already in use\n"), (exitCode, output, error));
    }

    [Theory]
    [InlineData("192.0.2.1:4317")] // documentation addresses are nobody's: RFC 5737
    [InlineData("no-such-host.invalid:4317")] // nobody's name: RFC 6761
    public async Task An_address_that_is_not_this_machines_is_told_in_one_line_and_exits_1(string endpoint)
    {
        _files.Configure(grpc: endpoint);

        var (exitCode, output, error) = await TapProgram.Built.RunAsync(["--config", _files.ConfigFile]);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.StartsWith($"otlptap: cannot listen on {endpoint}: ", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task What_is_wrong_in_the_configuration_is_told_with_file_line_column_and_key_and_exits_1()
    {
        await File.WriteAllTextAsync(
            _files.ConfigFile,
            "processors:\n  tap:\n    corpus: { settle: soon }\nexporter: {}\n",
            TestContext.Current.CancellationToken);

        var (exitCode, output, error) = await TapProgram.Built.RunAsync(["--config", _files.ConfigFile]);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal(
            [
                $"{_files.ConfigFile}:3:23: processors.tap.corpus.settle: a duration such as `5s`, `100ms` or `1h30m` is expected here, not `soon`",
                $"{_files.ConfigFile}:4:1: exporter: unknown key; did you mean `exporters`?",
            ],
            error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task When_cases_cannot_be_written_it_says_so_counts_it_and_goes_on()
    {
        // A file where the directory should be: not even root can write there.
        var blocked = Path.Combine(_files.Directory, "blocked");
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        _files.Configure(cases: Path.Combine(blocked, "cases"), settle: "10ms");
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.ConfigFile]);

        Assert.Empty(await tap.ExportAsync(FailingTool));

        await tap.PrintsAsync("cases cannot be written to ");
        await tap.MetricRisesAsync("otlptap_corpus_write_retries_total");
        Assert.Empty(await tap.ExportAsync(FailingTool));
        Assert.Equal(0, await tap.MetricAsync("otlptap_corpus_cases_written_total"));
        Assert.Equal("alive\n", await tap.GetAsync("/healthz"));
        tap.Terminate();
        Assert.Equal(0, await tap.ExitCodeAsync());
    }

    [Fact]
    public async Task Told_to_stop_before_it_has_started_it_stops_in_order()
    {
        _files.Configure();

        Assert.Equal(0, await TapCommand.RunAsync([_files.ConfigFile], new CancellationToken(canceled: true)).InTime());
    }
}
