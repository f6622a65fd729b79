using System.Globalization;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Proxies;

/// <summary>The tap with everything on: all rule packs, tagging, recorder, cases, metrics.</summary>
/// <param name="name">As the row is called.</param>
/// <param name="binary">A native binary; null for this build of the tap on the runtime's own compiler.</param>
internal sealed class Tap(string name, string? binary) : ProxyUnderTest(name)
{
    public override string? Missing => binary is null || File.Exists(binary) ? null : $"{binary} does not exist";

    public int AdminPort { get; } = Loopback.FreePort();

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
                packs: [all]
                corpus: { directory: "{{folder}}/{{Name}}-cases" }
            exporters:
              otlp_grpc/sink: { endpoint: 127.0.0.1:{{upstreamPort}}, tls: { insecure: true } }
            service:
              admin: { endpoint: 127.0.0.1:{{AdminPort.ToString(CultureInfo.InvariantCulture)}} }
              pipelines:
                traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/sink] }

            """);
        return binary is null
            ? ChildProcess.Start("dotnet", Path.Combine(AppContext.BaseDirectory, "otlptap.dll"), "--config", configuration)
            : ChildProcess.Start(binary, "--config", configuration);
    }
}
