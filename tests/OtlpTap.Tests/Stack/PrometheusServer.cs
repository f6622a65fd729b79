using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using OtlpTap.Tests.Documentation;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Stack;

/// <summary>A real Prometheus: one that scrapes a tap every second, with the rules of config/prometheus, or one that takes OTLP.</summary>
internal sealed class PrometheusServer : IAsyncDisposable
{
    private const string OtlpReceiver = "web.enable-otlp-receiver";

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("otlptap-prometheus-");
    private readonly HttpClient _http;
    private readonly Process _process;
    private readonly Task<string> _log;

    private PrometheusServer(ExternalProgram program, string configuration, params string[] more)
    {
        var port = FreePort();
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var config = Path.Combine(_directory.FullName, "prometheus.yml");
        File.WriteAllText(config, configuration);
        _process = program.Start(
            [$"--config.file={config}", $"--storage.tsdb.path={_directory.FullName}/data", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", .. more]);
        _log = _process.StandardError.ReadToEndAsync();
    }

    public Uri Url => _http.BaseAddress!;

    public static async Task<PrometheusServer> StartAsync(string target)
    {
        var program = ExternalProgram.Require("prometheus", "prometheus");
        return await ReadyAsync(new PrometheusServer(
            program,
            $$"""
            global: { scrape_interval: 1s, evaluation_interval: 1s }
            rule_files: ['{{Markdown.InRepository("config/prometheus/rules")}}/*.yml']
            scrape_configs: [{ job_name: otlptap, static_configs: [{ targets: ['{{target}}'] }] }]
            """));
    }

    /// <summary>
    /// With config/prometheus/prometheus.yml and OTLP at <c>/api/v1/otlp</c>, which Debian's is built without: whoever has another names it in OTLPTAP_PROMETHEUS; where it
    /// is missing the test is skipped.
    /// </summary>
    public static async Task<PrometheusServer> OfOtlpAsync(bool isEnabled = true)
    {
        var program = ExternalProgram.Optional("prometheus", "OTLPTAP_PROMETHEUS");
        var (_, flags, more) = await program.RunAsync(["--help"], null, Deadline.Token());
        Assert.SkipUnless((flags + more).Contains(OtlpReceiver, StringComparison.Ordinal), $"this prometheus has no --{OtlpReceiver}; OTLPTAP_PROMETHEUS names another one");
        var shipped = await File.ReadAllTextAsync(Markdown.InRepository("config/prometheus/prometheus.yml"));
        return await ReadyAsync(new PrometheusServer(program, shipped.Replace("rules/*.yml", Markdown.InRepository("config/prometheus/rules/*.yml"), StringComparison.Ordinal), isEnabled ? [$"--{OtlpReceiver}"] : []));
    }

    /// <summary><c>host:port</c>.</summary>
    public string Endpoint => _http.BaseAddress!.Authority;

    private static async Task<PrometheusServer> ReadyAsync(PrometheusServer server)
    {
        await Deadline.UntilAsync(async () => server._process.HasExited || await server.IsReadyAsync(), "Prometheus is ready");
        Assert.False(server._process.HasExited, server._process.HasExited ? await server._log : "");
        return server;
    }

    /// <summary>The only sample that an expression has now, or null.</summary>
    public async Task<string?> ValueAsync(string expression)
    {
        var found = (await GetAsync($"/api/v1/query?query={Uri.EscapeDataString(expression)}")).GetProperty("result");
        return found.GetArrayLength() == 0 ? null : Assert.Single(found.EnumerateArray()).GetProperty("value")[1].GetString();
    }

    /// <summary>How many series an expression has now.</summary>
    /// <exception cref="Xunit.Sdk.XunitException">Prometheus does not understand it.</exception>
    public async Task<int> CountAsync(string expression) => (await GetAsync($"/api/v1/query?query={Uri.EscapeDataString(expression)}")).GetProperty("result").GetArrayLength();

    /// <summary>The values of a label that series of a selector have.</summary>
    public async Task<int> LabelValuesAsync(string selector, string label) =>
        (await GetAsync($"/api/v1/label/{label}/values?match[]={Uri.EscapeDataString(selector)}")).GetArrayLength();

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
        _directory.Delete(recursive: true);
    }

    private async ValueTask<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri("/-/ready", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative), Deadline.Token());
        var json = JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsByteArrayAsync());
        Assert.True(answer.IsSuccessStatusCode, $"{Uri.UnescapeDataString(path)}: {json}");
        return json.GetProperty("data");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
