using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A reload as an operator asks for it: by signal and by command.</summary>
public sealed class ReloadProcessTests : IDisposable
{
    private static readonly byte[] Request = new TraceBuilder().Span("chat").ToBytes();

    private readonly TapFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task SIGHUP_puts_the_changed_file_in_force()
    {
        await using var first = await StubUpstream.StartAsync();
        await using var second = await StubUpstream.StartAsync();
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.Configure(first.Endpoint).ConfigFile]);
        await tap.ExportAsync(Request);

        _files.Configure(second.Endpoint);
        tap.HangUp();
        await tap.PrintsAsync("configuration read again: it is in force");

        await tap.ExportAsync(Request);
        Assert.Equal((1, 1), (first.Calls.Count, second.Calls.Count));
        tap.Terminate();
        Assert.Equal(0, await tap.ExitCodeAsync());
        Assert.Equal("", tap.Error);
    }

    [Fact]
    public async Task SIGHUP_with_an_invalid_file_changes_nothing_and_logs_the_place()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.Configure(upstream.Endpoint).ConfigFile]);

        await File.WriteAllTextAsync(_files.ConfigFile, "receivers: { otlp: { protocols: { grpc: { endpiont: 1 } } } }\n", TestContext.Current.CancellationToken);
        tap.HangUp();
        await tap.PrintsAsync("configuration read again: refused");

        Assert.Contains($"{_files.ConfigFile}:1:43: receivers.otlp.protocols.grpc.endpiont: unknown key; did you mean `endpoint`?", tap.Output, StringComparison.Ordinal);
        await tap.ExportAsync(Request);
        Assert.Single(upstream.Calls);
    }

    [Fact]
    public async Task The_command_shows_what_came_of_it()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await TapProcess.ListeningAsync(TapProgram.Built, ["--config", _files.Configure(upstream.Endpoint).ConfigFile]);
        string[] reload = ["reload", "--endpoint", tap.AdminEndpoint];

        var applied = await TapProgram.Built.RunAsync(reload);
        await File.WriteAllTextAsync(_files.ConfigFile, "receivers: 1\n", TestContext.Current.CancellationToken);
        var refused = await TapProgram.Built.RunAsync(reload);

        Assert.Equal((0, "the configuration is in force\n", ""), applied);
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains($"{_files.ConfigFile}:1:12: receivers: a map of keys is expected here", refused.Error, StringComparison.Ordinal);
        Assert.EndsWith("nothing was changed: the configuration from before is in force\n", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_says_when_no_tap_is_there()
    {
        var (exitCode, output, error) = await TapProgram.Built.RunAsync(["reload", "--endpoint", $"127.0.0.1:{StubUpstream.UnusedPort()}"]);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Contains("Connection refused: does a tap run there? --endpoint names another admin port\n", error, StringComparison.Ordinal);
    }
}
