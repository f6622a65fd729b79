namespace OtlpTap.Tests.EndToEnd;

/// <summary>A directory for one tap: its configuration, its cases. Gone with the test.</summary>
internal sealed class TapFiles : IDisposable
{
    private readonly DirectoryInfo _directory = System.IO.Directory.CreateTempSubdirectory("otlptap-test-");

    public string Directory => _directory.FullName;

    public string Cases => Path.Combine(Directory, "cases");

    public string ConfigFile => Path.Combine(Directory, "tap.yaml");

    /// <summary>Free ports, the cases here; everything else as in the built-in default.</summary>
    /// <param name="upstream"><c>host:port</c> that all signals go to; none for a tap that only records.</param>
    public TapFiles Configure(string? upstream = null, string grpc = "127.0.0.1:0", string? cases = null, string settle = "10m", string shutdown = "20s")
    {
        File.WriteAllText(
            ConfigFile,
            $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "{{grpc}}" } } } }
            processors: { tap: { corpus: { directory: '{{cases ?? Cases}}', settle: {{settle}} } } }
            {{(upstream is null ? "" : $$"""exporters: { otlp_grpc/upstream: { endpoint: "{{upstream}}", tls: { insecure: true }, timeout: 1m } }""")}}
            service: { admin: { endpoint: "127.0.0.1:0" }, shutdown_deadline: {{shutdown}} }
            """);
        return this;
    }

    public IReadOnlyList<string> CaseFiles(string name) =>
        System.IO.Directory.Exists(Cases) ? System.IO.Directory.GetFiles(Cases, name, SearchOption.AllDirectories) : [];

    public void Dispose() => _directory.Delete(recursive: true);
}
