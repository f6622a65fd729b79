using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using OtlpTap.Tests.Documentation;
using YamlDotNet.RepresentationModel;

namespace OtlpTap.Tests.Stack;

/// <summary>
/// A real Grafana on loopback with what config/compose.yaml mounts into its container and has in its environment, over the folders that
/// its image comes with. Debian has none: OTLPTAP_GRAFANA names <c>bin/grafana</c> (before 10 <c>bin/grafana-server</c>) of one that is unpacked;
/// where it is missing the test is skipped.
/// </summary>
internal sealed class GrafanaServer : IAsyncDisposable
{
    private const string Etc = "/etc/grafana/";

    // Of the image. Grafana complains of each that is not there.
    private static readonly string[] Folders = ["access-control", "alerting", "dashboards", "datasources", "notifiers", "plugins"];

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("otlptap-grafana-");
    private readonly ConcurrentQueue<string> _log = new();
    private readonly HttpClient _http;
    private readonly Process _process;

    private GrafanaServer(ExternalProgram program, Uri prometheus)
    {
        var port = FreePort();
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var service = ComposeService();
        foreach (var folder in Folders)
        {
            _directory.CreateSubdirectory("provisioning/" + folder);
        }

        foreach (var mount in ((YamlSequenceNode)service["volumes"]).Select(volume => ((YamlScalarNode)volume).Value!.Split(':')))
        {
            Mount(Markdown.InRepository("config/" + mount[0]), mount[1]);
        }

        var environment = ((YamlMappingNode)service["environment"]).ToDictionary(entry => ((YamlScalarNode)entry.Key).Value!, entry => ((YamlScalarNode)entry.Value).Value!);
        environment["PROMETHEUS_URL"] = prometheus.ToString();
        (string Key, string Value)[] own =
        [
            ("SERVER_HTTP_ADDR", "127.0.0.1"), ("SERVER_HTTP_PORT", $"{port}"), ("LOG_MODE", "console"), ("PATHS_DATA", $"{_directory}/data"), ("PATHS_LOGS", $"{_directory}/log"),
            ("PATHS_PLUGINS", $"{_directory}/plugins"), ("PATHS_PROVISIONING", $"{_directory}/provisioning"), ("PLUGINS_PREINSTALL_DISABLED", "true"),
            ("ANALYTICS_REPORTING_ENABLED", "false"), ("ANALYTICS_CHECK_FOR_UPDATES", "false"), ("ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
        ];
        foreach (var (key, value) in own)
        {
            environment["GF_" + key] = value;
        }

        var home = Directory.GetParent(program.Path)!.Parent!.FullName;
        _process = program.Start([.. Path.GetFileName(program.Path) == "grafana" ? ["server"] : Array.Empty<string>(), "--homepath", home], environment);
        _process.OutputDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _log.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public IEnumerable<string> Log => _log;

    /// <summary>Follows redirects, as a browser does.</summary>
    public HttpClient Http => _http;

    public static async Task<GrafanaServer> StartAsync(Uri prometheus)
    {
        var server = new GrafanaServer(ExternalProgram.Optional("grafana", "OTLPTAP_GRAFANA"), prometheus);
        try
        {
            await BackendServer.UntilAsync(async () => server._process.HasExited || await server.IsReadyAsync(), "Grafana is ready");
            Assert.False(server._process.HasExited, string.Join('\n', server._log.TakeLast(30)));
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public Task<JsonElement> GetAsync(string path) => _http.GetFromJsonAsync<JsonElement>(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
        _directory.Delete(recursive: true);
    }

    private static YamlMappingNode ComposeService()
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(Markdown.InRepository("config/compose.yaml"))));
        return (YamlMappingNode)yaml.Documents[0].RootNode["services"]["grafana"];
    }

    /// <summary>As a container would have it: what was there before is hidden.</summary>
    private void Mount(string source, string target)
    {
        Assert.StartsWith(Etc, target, StringComparison.Ordinal);
        var under = Path.Combine(_directory.FullName, target[Etc.Length..]);
        if (Directory.Exists(under))
        {
            Directory.Delete(under, recursive: true);
        }

        foreach (var file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(under, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.WriteAllText(copy, File.ReadAllText(file).Replace(Etc, $"{_directory}/", StringComparison.Ordinal));
        }
    }

    private async ValueTask<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri("/api/health", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
