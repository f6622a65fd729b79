using System.CommandLine;
using OtlpTap.Cli;
using OtlpTap.Cli.Demo;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Cli;

public sealed class DemoAndHealthTests : IDisposable
{
    private readonly TapFiles _files = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _files.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task The_demo_shows_what_is_tagged_and_which_cases_appear()
    {
        Assert.Equal(0, await InvokeAsync(DemoCommand.Create(), "demo", "--runs", "3", "--cases", _files.Cases).InTime());

        Assert.Contains("""got span "execute_tool change_address" with otlptap.failure=tool_error otlptap.rules=[genai_tool_error]""", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains($"case      {Assert.Single(_files.CaseFiles("trace.json"))}\n", _output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("3 runs, 12 spans upstream, 1 cases.\n", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task The_demo_ends_though_nothing_runs()
    {
        Assert.Equal(0, await InvokeAsync(DemoCommand.Create(), "demo", "--runs", "0", "--cases", _files.Cases).InTime());
        Assert.EndsWith("0 runs, 0 spans upstream, 0 cases.\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_is_silent_when_the_tap_is_alive()
    {
        await using var tap = await RunningTap.StartAsync();

        Assert.Equal(0, await InvokeAsync(HealthCommand.Create(), "health", "--endpoint", tap.Host.AdminEndpoint.ToString()).InTime());
        Assert.Equal(("", ""), (_output.ToString(), _error.ToString()));
    }

    [Fact]
    public async Task Health_gives_the_reason_when_nobody_answers()
    {
        int port;
        await using (var gone = await StubUpstream.StartAsync())
        {
            port = gone.Port;
        }

        Assert.Equal(1, await InvokeAsync(HealthCommand.Create(), "health", "--endpoint", $"127.0.0.1:{port}").InTime());
        Assert.StartsWith($"http://127.0.0.1:{port}/healthz: ", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a host:1")]
    public async Task Health_refuses_what_is_no_endpoint(string endpoint)
    {
        Assert.Equal(1, await InvokeAsync(HealthCommand.Create(), "health", "--endpoint", endpoint).InTime());
        Assert.Equal($"`{endpoint}` is no HOST:PORT\n", _error.ToString());
    }

    private Task<int> InvokeAsync(Command command, params string[] arguments) =>
        CommandLine.InvokeAsync(CommandLine.Create((_, _) => throw new InvalidOperationException("no tap runs here"), command), arguments, _output, _error);
}
