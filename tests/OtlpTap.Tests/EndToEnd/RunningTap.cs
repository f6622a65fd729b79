using System.Text.RegularExpressions;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A whole tap in the test's process on ports of its own, with a client that sends and sees raw bytes.</summary>
internal sealed partial class RunningTap : IAsyncDisposable
{
    private readonly HttpClient _http = new();

    private string _text;

    private RunningTap(string directory, string text, TimeProvider? time)
    {
        Directory = directory;
        _text = text;
        var loaded = Load();
        Assert.True(loaded.Options is not null, string.Join('\n', loaded.Problems));
        Host = TapHost.Create(loaded.Options, time ?? TimeProvider.System, NullLoggerFactory.Instance, load: Load);
    }

    private ExportClient? _client;
    /// <summary>An agent of this tap's.</summary>
    public ExportClient Client => _client ??= new ExportClient(Host.GrpcEndpoint.ToString());

    public TapHost Host { get; }

    /// <summary>The case folder; gone with the tap.</summary>
    public string Directory { get; }

    /// <inheritdoc cref="StartAsync(string?, string, string, string, string, TimeProvider?, string, string)"/>
    public static Task<RunningTap> StartAsync(StubUpstream? upstream = null, string tap = "", string grpc = "", string exporter = "", string shutdown = "8s", TimeProvider? time = null, string redact = "{}", string sinks = "[]") =>
        StartAsync(upstream?.Endpoint, tap, grpc, exporter, shutdown, time, redact, sinks);

    /// <param name="upstream"><c>host:port</c> that all signals go to; none for a tap that only records.</param>
    /// <param name="tap">Further keys of <c>processors.tap</c>, one a line.</param>
    /// <param name="grpc">Further keys of the gRPC receiver, in flow style; a limit of its messages is that of HTTP, too.</param>
    /// <param name="exporter">Further keys of the exporter, in flow style.</param>
    /// <param name="redact"><c>corpus.redact</c>, in flow style.</param>
    /// <param name="sinks"><c>corpus.sinks</c>, in flow style.</param>
    /// <param name="time">The tap's clock, where a test moves it.</param>
    public static async Task<RunningTap> StartAsync(string? upstream, string tap = "", string grpc = "", string exporter = "", string shutdown = "8s", TimeProvider? time = null, string redact = "{}", string sinks = "[]")
    {
        var exporters = upstream is null ? "[]" : "[otlp_grpc/upstream]";

        // What fits into one edge fits into the other, and both into the bound on bytes in flight.
        var limit = MessageLimit().Match(grpc);
        var http = limit.Success ? $", max_request_body_size: {int.Parse(limit.Groups["mib"].Value, System.Globalization.CultureInfo.InvariantCulture) << 20}" : "";
        return await ConfiguredAsync(directory => $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0"{{grpc}} }, http: { endpoint: "127.0.0.1:0"{{http}} } } } }
            processors:
              tap:
                corpus: { directory: '{{directory}}', settle: 50ms, redact: {{redact}}, sinks: {{sinks}} }
            {{string.Join('\n', tap.Split('\n').Select(line => "    " + line))}}
            exporters:
              {{(upstream is null ? "{}" : $$"""otlp_grpc/upstream: { endpoint: "{{upstream}}", tls: { insecure: true }{{exporter}} }""")}}
            service:
              admin: { endpoint: "127.0.0.1:0" }
              shutdown_deadline: {{shutdown}}
              pipelines:
                traces: { receivers: [otlp], processors: [tap], exporters: {{exporters}} }
                logs: { receivers: [otlp], processors: [tap], exporters: {{exporters}} }
                metrics: { receivers: [otlp], processors: [tap], exporters: {{exporters}} }
            """, time);
    }

    /// <param name="text">A whole configuration, given the directory for what the tap writes.</param>
    public static async Task<RunningTap> ConfiguredAsync(Func<string, string> text, TimeProvider? time = null)
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("otlptap-test-").FullName;
        var tap = new RunningTap(directory, text(directory), time);
        await tap.Host.StartAsync(Deadline.Token());
        return tap;
    }

    /// <summary>Changes the configuration, and has the tap read it again.</summary>
    public Task<ReloadResult> ReloadAsync(Func<string, string> change)
    {
        _text = change(_text);
        return Host.ReloadAsync(Deadline.Token());
    }

    /// <summary>One export of raw message bytes; an error status is an <see cref="RpcException"/>.</summary>
    public AsyncUnaryCall<byte[]> Export(Signal signal, byte[] message, Grpc.Core.Metadata? headers = null, DateTime? deadline = null, CancellationToken cancellation = default) =>
        Client.Export(signal, message, headers, deadline, cancellation);

    public async Task<byte[]> ExportAsync(Signal signal, byte[] message) => await Export(signal, message);

    /// <summary>The reason and details of the refusal that has to come.</summary>
    public async Task<RpcException> RefusalOfAsync(Signal signal, byte[] message, Grpc.Core.Metadata? headers = null) =>
        await Assert.ThrowsAsync<RpcException>(async () => await Export(signal, message, headers));

    public Task<string> GetAsync(string path) => _http.GetStringAsync(new Uri($"http://{Host.AdminEndpoint}{path}"));

    /// <summary>The value of a series, such as <c>name{label="value"}</c>, as a scrape shows it; 0 while it is not there.</summary>
    public async Task<double> MetricAsync(string series)
    {
        var line = (await GetAsync("/metrics")).Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.AsSpan(series.Length + 1), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until no byte of a request is held any more.</summary>
    public Task SettledAsync() => Deadline.UntilAsync(async () => await MetricAsync("otlptap_in_flight_bytes") == 0, "nothing is in flight");

    /// <summary>Files of the case folder with this name, once there are so many.</summary>
    public async Task<IReadOnlyList<string>> CaseFilesAsync(string name, int count)
    {
        string[] Files() => System.IO.Directory.GetFiles(Directory, name, SearchOption.AllDirectories);
        await Deadline.UntilAsync(() => Files().Length >= count, $"{count} files {name} are written");
        return Files();
    }

    private LoadedConfiguration Load() => new ConfigurationLoader().LoadText([("test.yaml", _text)]);

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _http.Dispose();
        await Host.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    [GeneratedRegex(@"max_recv_msg_size_mib: (?<mib>\d+)")]
    private static partial Regex MessageLimit();
}
