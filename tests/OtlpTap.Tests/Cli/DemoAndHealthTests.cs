using System.CommandLine;
using System.Net;
using OtlpTap.Cli;
using OtlpTap.Cli.Demo;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Hosting;

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
    public async Task The_demo_shows_advice_that_comes_and_goes_and_what_users_say()
    {
        Assert.Equal(0, await InvokeAsync(DemoCommand.Create(), "demo", "--cases", _files.Cases).InTime());

        string[] told = ["advice on http://", "user              thumbs down", "tap               advises reroute fallback_tool=ask_carrier: tool track_parcel of", "answered by ask_carrier, as advised", "user              thumbs up", "answered by track_parcel, tried all the same; the advice is still given\n", "tap               withdraws its advice tool-failing:"];
        var places = told.Select(text => _output.ToString().IndexOf(text, StringComparison.Ordinal)).ToList();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
        Assert.Contains("with otlptap.failure=negative_feedback", _output.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("22 runs, 88 spans upstream, 5 cases.\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_demo_stays_where_somebody_wants_to_look_around()
    {
        await using var demo = TapProcess.Start(TapProgram.Fastest, ["demo", "--runs", "1", "--stay", "--cases", _files.Cases]);
        await Deadline.UntilAsync(() => demo.Output.Contains("agent     run  2", StringComparison.Ordinal), "it goes on");

        var admin = demo.Output.Split("http://")[1].Split('/')[0];
        Assert.Equal(0, await InvokeAsync(AdviceCommand.Create(), "advice", "list", "--endpoint", admin).InTime());
        demo.Interrupt();

        Assert.Equal(0, await demo.ExitCodeAsync());
        Assert.EndsWith(" cases.\n", demo.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("--stay", demo.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_demo_ends_though_nothing_runs()
    {
        Assert.Equal(0, await InvokeAsync(DemoCommand.Create(), "demo", "--runs", "0", "--cases", _files.Cases).InTime());
        Assert.EndsWith("0 runs, 0 spans upstream, 0 cases.\n", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_says_so_when_the_tap_is_alive()
    {
        await using var tap = await RunningTap.StartAsync();

        Assert.Equal(0, await InvokeAsync(HealthCommand.Create(), "health", "--endpoint", tap.Host.AdminEndpoint.ToString()).InTime());
        Assert.Equal(($"alive: http://{tap.Host.AdminEndpoint}/healthz\n", ""), (_output.ToString(), _error.ToString()));
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
    [InlineData("advice", "list")]
    [InlineData("advice", "report")]
    [InlineData("health")]
    [InlineData("reload")]
    public async Task A_command_at_the_wrong_port_says_which_one_it_wants(params string[] command)
    {
        await using var tap = await RunningTap.StartAsync();
        var asked = command[0] switch { "advice" => AdviceCommand.Create(), "health" => HealthCommand.Create(), _ => ReloadCommand.Create() };
        foreach (var port in (IPEndPoint[])[tap.Host.HttpEndpoint, tap.Host.GrpcEndpoint])
        {
            _error.GetStringBuilder().Clear();
            Assert.Equal(1, await InvokeAsync(asked, [.. command, "--endpoint", port.ToString()]).InTime());
            Assert.EndsWith(": this is not the admin port of a tap, or of another version; --endpoint names it (127.0.0.1:8888 by default)\n", _error.ToString(), StringComparison.Ordinal);
        }

        Assert.Equal("", _output.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a host:1")]
    public async Task Health_refuses_what_is_no_endpoint(string endpoint)
    {
        Assert.Equal(1, await InvokeAsync(HealthCommand.Create(), "health", "--endpoint", endpoint).InTime());
        Assert.Equal($"`{endpoint}` is no HOST:PORT\n", _error.ToString());
    }

    /// <summary>As processes: the token comes from their environment.</summary>
    [Fact]
    public async Task Health_and_reload_ask_an_admin_port_with_TLS_that_lets_in_who_has_a_token()
    {
        using var authority = new TestAuthority();
        var server = authority.Create("server", TestAuthority.ServerAuthentication);
        var trusted = authority.WriteCertificate("ca.pem", authority.Root);
        await using var tap = await RunningTap.ConfiguredAsync(directory =>
            $$"""
            extensions: { bearertokenauth/operators: { token: secret-1 } }
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{directory}}' } } }
            service:
              extensions: [bearertokenauth/operators]
              admin:
                endpoint: 127.0.0.1:0
                tls: { cert_file: '{{authority.WriteCertificate("server.pem", server)}}', key_file: '{{authority.WriteKey("server.key", server)}}' }
                auth: { authenticator: bearertokenauth/operators }
            """);
        var endpoint = $"https://{tap.Host.AdminEndpoint}";

        Assert.Equal((0, $"alive: {endpoint}/healthz\n", ""), await RunAsync("secret-1", "health", "--endpoint", endpoint, "--ca-file", trusted));
        Assert.Equal((0, "the configuration is in force\n", ""), await RunAsync("secret-1", "reload", "--endpoint", endpoint, "--ca-file", trusted));

        Assert.Equal((1, "", $"{endpoint}/healthz answered 401: set OTLPTAP_ADMIN_TOKEN, or --token, to a token that the admin port takes\n"), await RunAsync("", "health", "--endpoint", endpoint, "--ca-file", trusted));
        var (exitCode, _, error) = await RunAsync("secret-2", "reload", "--endpoint", endpoint, "--ca-file", trusted);
        Assert.Equal((1, $"{endpoint}/-/reload answered 401: set OTLPTAP_ADMIN_TOKEN, or --token, to a token that the admin port takes\n"), (exitCode, error));

        (exitCode, _, error) = await RunAsync("secret-1", "health", "--endpoint", endpoint);
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"{endpoint}/healthz: ", error, StringComparison.Ordinal);
        Assert.Contains("certificate", error, StringComparison.Ordinal);

        (exitCode, _, error) = await RunAsync("secret-1", "health", "--endpoint", endpoint, "--ca-file", authority.Write("empty.pem", ""));
        Assert.Equal((1, $"--ca-file {authority.Write("empty.pem", "")}: holds no certificate in PEM\n"), (exitCode, error));

        static async Task<(int ExitCode, string Output, string Error)> RunAsync(string token, params string[] arguments)
        {
            await using var process = TapProcess.Start(TapProgram.Fastest, arguments, environment: ("OTLPTAP_ADMIN_TOKEN", token));
            return (await process.ExitCodeAsync(), process.Output, process.Error);
        }
    }

    private Task<int> InvokeAsync(Command command, params string[] arguments) =>
        CommandLine.InvokeAsync(CommandLine.Create((_, _) => throw new InvalidOperationException("no tap runs here"), command), arguments, _output, _error);
}
