using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Cli;

namespace OtlpTap.Tests.Pull;

/// <summary>The command <c>pull</c> against a backend of the test's own, into a folder that goes with it.</summary>
internal sealed class PullRig(StubBackend backend) : IAsyncDisposable
{
    public const long Now = 1_790_000_000;

    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public StubBackend Backend => backend;

    public string Folder { get; } = Directory.CreateTempSubdirectory("otlptap-pull-").FullName;

    public PatientTime Time { get; } = new(DateTimeOffset.FromUnixTimeSeconds(Now));

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public static TraceBuilder Failing(string tool = "get_weather") => Healthy(tool).Failed();

    public static TraceBuilder Healthy(string tool = "get_weather") =>
        new TraceBuilder().Resource("shop").Span($"execute_tool {tool}", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", tool));

    public Task<int> PullAsync(string source, params string[] more)
    {
        var root = new RootCommand { PullCommand.Create(Time) };
        return CommandLine.InvokeAsync(root, ["pull", source, "--url", backend.Url.ToString(), "--output", Folder, .. more], _output, _error);
    }

    /// <summary>A file with a configuration of <c>processors.tap</c>.</summary>
    public string Config(string tap) => Write("tap.yaml", $"processors:\n  tap:\n    {tap}\n");

    public string Write(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void AddLine(long unixNano, string line, params (string Name, string Text)[] metadata) =>
        backend.Lines.Add((unixNano, line, new() { ["service_name"] = "shop" }, metadata.ToDictionary(pair => pair.Name, pair => pair.Text)));

    public IReadOnlyList<JsonElement> Cases() =>
        [.. Directory.GetFiles(Folder, "case.json", SearchOption.AllDirectories).Select(file => JsonDocument.Parse(File.ReadAllBytes(file)).RootElement)];

    public async ValueTask DisposeAsync()
    {
        await backend.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
        await _output.DisposeAsync();
        await _error.DisposeAsync();
    }
}
