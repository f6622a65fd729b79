using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Proxies;

/// <summary>The tap with everything on: all rule packs, tagging, recorder, cases, detectors, health, advice, feedback, metrics.</summary>
/// <param name="name">As the row is called, and the files of its configuration.</param>
/// <param name="binary">A native binary, or another build's <c>otlptap.dll</c>; null for this build of the tap on the runtime's own compiler.</param>
/// <param name="mode">What of it is switched on.</param>
internal sealed class Tap(string name, string? binary, TapMode mode = TapMode.Everything) : ProxyUnderTest(name)
{
    private const string AllocatedBytes = "dotnet_gc_allocated_bytes_total";
    private readonly string _program = binary ?? Path.Combine(AppContext.BaseDirectory, "otlptap.dll");
    private readonly int _adminPort = Loopback.FreePort();

    /// <summary>What stands under <c>processors.tap.recorder</c> and <c>corpus</c> beside the folder; the defaults when left out.</summary>
    public (string Recorder, string Corpus) Settings { get; init; } = ("", "");

    public static string CasesIn(string folder, string name) => $"{folder}/{name}-cases";

    public override string? Missing => File.Exists(_program) ? null : $"{_program} does not exist";

    public override bool TagsFailures => mode != TapMode.RelayOnly;

    public override ChildProcess Start(int port, int upstreamPort, string folder)
    {
        var configuration = Path.Combine(folder, $"{Name}.yaml");
        File.WriteAllText(configuration, $$"""
            receivers:
              otlp:
                protocols:
                  grpc: { endpoint: 127.0.0.1:{{port}} }
            processors:
              tap:
                packs: [all]{{Switches}}
                corpus: { directory: "{{CasesIn(folder, Name)}}"{{Settings.Corpus}} }
                recorder: { {{Settings.Recorder}} }
            exporters:
              otlp_grpc/sink: { endpoint: 127.0.0.1:{{upstreamPort}}, tls: { insecure: true } }
            service:
              admin: { endpoint: 127.0.0.1:{{_adminPort}} }
              pipelines:
                traces: { receivers: [otlp], {{(mode == TapMode.RelayOnly ? "" : "processors: [tap], ")}}exporters: [otlp_grpc/sink] }

            """);
        return _program.EndsWith(".dll", StringComparison.Ordinal)
            ? ChildProcess.Start("dotnet", _program, "--config", configuration)
            : ChildProcess.Start(_program, "--config", configuration);
    }

    private string Switches => mode switch
    {
        TapMode.WithoutTee => "\n    tee: { enabled: false }",
        TapMode.WithoutHealth => NoHealth,
        TapMode.WithoutAgents => NoHealth + """

                detectors: { enabled: false }
                evaluations: { enabled: false }
            """,
        _ => "",
    };

    private const string NoHealth = """

            health: { enabled: false }
            advice: { defaults: false, effect: { enabled: false } }
            feedback: { implicit: { enabled: false }, explicit: { enabled: false } }
        """;

    public override async Task<double?> AllocatedBytesAsync(CancellationToken cancellation) =>
        PrometheusText.Find(await MetricsAsync(cancellation), AllocatedBytes);

    /// <summary>Behind which the names of services stand.</summary>
    public Uri HealthAddress => new($"http://127.0.0.1:{_adminPort}/api/v1/health/");

    /// <summary>Its page of metrics.</summary>
    public async Task<string> MetricsAsync(CancellationToken cancellation)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        return await client.GetStringAsync(new Uri($"http://127.0.0.1:{_adminPort}/metrics"), cancellation);
    }
}
