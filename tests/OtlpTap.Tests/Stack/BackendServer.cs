using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using OtlpTap.Tests.Documentation;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Stack;

/// <summary>
/// A real Tempo or Loki as one process on loopback, with nothing in it. Neither is in Debian: whoever has the programs puts them
/// on PATH, or names them in OTLPTAP_TEMPO and OTLPTAP_LOKI; where they are missing the test is skipped.
/// </summary>
internal sealed class BackendServer : IAsyncDisposable
{
    /// <summary>How long a backend may take to start, and to show what it was sent: Loki is not ready for fifteen seconds, Tempo 3 finds nothing of the last thirty.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private const int LogLinesMax = 30;

    private readonly DirectoryInfo _directory;
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly HttpClient _http;

    private BackendServer(ExternalProgram program, DirectoryInfo directory, string configuration, int port)
    {
        _directory = directory;
        Url = new Uri($"http://127.0.0.1:{port}");
        _http = new HttpClient { BaseAddress = Url };
        var file = Path.Combine(directory.FullName, "config.yaml");
        File.WriteAllText(file, configuration);
        _process = program.Start([$"-config.file={file}"]);
        _process.OutputDataReceived += (_, line) => Said(line.Data);
        _process.ErrorDataReceived += (_, line) => Said(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where its query API stands.</summary>
    public Uri Url { get; }

    /// <summary><c>host:port</c> that takes OTLP over gRPC; of Tempo alone.</summary>
    public string OtlpEndpoint { get; private init; } = "";

    public HttpClient Http => _http;

    /// <summary>Tempo with config/tempo/tempo.yaml, in a directory and on ports of the test's.</summary>
    /// <param name="change">What the test has otherwise in that file.</param>
    public static async Task<BackendServer> TempoAsync(Func<string, string>? change = null)
    {
        var program = ExternalProgram.Optional("tempo", "OTLPTAP_TEMPO");
        var directory = Directory.CreateTempSubdirectory("otlptap-tempo-");
        var (port, grpc, otlp) = (FreePort(), FreePort(), FreePort());
        var shipped = await File.ReadAllTextAsync(Markdown.InRepository("config/tempo/tempo.yaml"));
        var configuration = Replace(Replace(Replace(shipped,
            "http_listen_port: 3200", $"http_listen_address: 127.0.0.1\n  http_listen_port: {port}\n  grpc_listen_address: 127.0.0.1\n  grpc_listen_port: {grpc}"),
            "0.0.0.0:4317", $"127.0.0.1:{otlp}"),
            "/var/tempo", directory.FullName) + $$"""

            live_store: { wal: { path: '{{directory.FullName}}/live-store' }, shutdown_marker_dir: '{{directory.FullName}}/shutdown' }
            backend_scheduler: { local_work_path: '{{directory.FullName}}' }
            """;
        return await ReadyAsync(new BackendServer(program, directory, change?.Invoke(configuration) ?? configuration, port) { OtlpEndpoint = $"127.0.0.1:{otlp}" });
    }

    /// <summary>Loki with what its image comes with: one process, its index and chunks in files.</summary>
    public static async Task<BackendServer> LokiAsync()
    {
        var program = ExternalProgram.Optional("loki", "OTLPTAP_LOKI");
        var directory = Directory.CreateTempSubdirectory("otlptap-loki-");
        var port = FreePort();
        return await ReadyAsync(new BackendServer(
            program,
            directory,
            $$"""
            auth_enabled: false
            server: { http_listen_address: 127.0.0.1, http_listen_port: {{port}}, grpc_listen_address: 127.0.0.1, grpc_listen_port: {{FreePort()}} }
            common:
              instance_addr: 127.0.0.1
              path_prefix: '{{directory.FullName}}'
              storage: { filesystem: { chunks_directory: '{{directory.FullName}}/chunks', rules_directory: '{{directory.FullName}}/rules' } }
              replication_factor: 1
              ring: { kvstore: { store: inmemory } }
            schema_config: { configs: [{ from: 2020-10-24, store: tsdb, object_store: filesystem, schema: v13, index: { prefix: index_, period: 24h } }] }
            analytics: { reporting_enabled: false }
            """,
            port));
    }

    /// <summary>Polls so seldom that the backend has time for what it is asked.</summary>
    public static async Task UntilAsync(Func<ValueTask<bool>> holds, string what)
    {
        var started = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"waited in vain until {what}");
            await poll.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>What a query brings, as the API's JSON.</summary>
    /// <exception cref="Xunit.Sdk.XunitException">The backend refuses it.</exception>
    public async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await _http.GetAsync(new Uri(path, UriKind.Relative), Deadline.Token());
        var text = await answer.Content.ReadAsStringAsync(Deadline.Token());
        Assert.True(answer.IsSuccessStatusCode, $"{Uri.UnescapeDataString(path)}: {(int)answer.StatusCode} {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

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

    private static async Task<BackendServer> ReadyAsync(BackendServer server)
    {
        try
        {
            await UntilAsync(async () => server._process.HasExited || await server.IsReadyAsync(), "the backend is ready");
            Assert.False(server._process.HasExited, string.Join('\n', server._log));
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private async ValueTask<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri("/ready", UriKind.Relative));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private void Said(string? line)
    {
        if (line is not null)
        {
            _log.Enqueue(line);
            if (_log.Count > LogLinesMax)
            {
                _log.TryDequeue(out _);
            }
        }
    }

    private static string Replace(string text, string old, string now)
    {
        Assert.Contains(old, text, StringComparison.Ordinal);
        return text.Replace(old, now, StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
