using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Cost;

/// <summary>A build of the tap as one case needs it, everything on.</summary>
/// <param name="name">Of the build.</param>
/// <param name="program">A native binary, or an <c>otlptap.dll</c>.</param>
/// <param name="profile">Where callgrind writes to, when its instructions are to be counted.</param>
internal sealed class CostTap(string name, string program, CostCase cost, string? profile) : ProxyUnderTest(name)
{
    private const string AllocatedBytes = "dotnet_gc_allocated_bytes_total";

    private readonly int _adminPort = Loopback.FreePort();

    public override string? Missing => File.Exists(program) ? null : $"{program} does not exist";

    public override ChildProcess Start(int port, int upstreamPort, string folder)
    {
        var own = Path.Combine(folder, $"{Name}-{cost.Name}");
        Directory.CreateDirectory(own);
        var configuration = Path.Combine(own, "tap.yaml");
        File.WriteAllText(configuration, $$"""
            receivers:
              otlp:
                protocols:
                  {{(cost.IsHttp ? "http" : "grpc")}}: { endpoint: 127.0.0.1:{{port}} }
            processors:
              tap:
                packs: [all]
                corpus: { directory: "{{own}}/cases" }
            exporters:
            {{Exporters(upstreamPort, own)}}
            service:
              admin: { endpoint: 127.0.0.1:{{_adminPort}} }
              pipelines:
                traces: { receivers: [otlp], processors: [tap], exporters: [{{ExporterNames}}]{{Primary}} }

            """);
        string[] options = ["--config", configuration];
        if (profile is not null)
        {
            // Away from its symbols: valgrind gives up on their format.
            var alone = Path.Combine(own, "otlptap");
            File.Copy(program, alone);
            return Callgrind.Start(profile, [alone, .. options]);
        }

        return program.EndsWith(".dll", StringComparison.Ordinal)
            ? ChildProcess.Start("dotnet", [program, .. options])
            : ChildProcess.Start(program, options);
    }

    public override async Task<double?> AllocatedBytesAsync(CancellationToken cancellation)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(60) };
        return PrometheusText.Find(await client.GetStringAsync($"http://127.0.0.1:{_adminPort}/metrics", cancellation), AllocatedBytes);
    }

    private string ExporterNames => cost.To switch
    {
        CostExporters.GrpcAndGrpc => "otlp_grpc/sink, otlp_grpc/other",
        CostExporters.GrpcAndFile => "otlp_grpc/sink, file",
        _ => "otlp_grpc/sink",
    };

    private string Primary => cost.To is CostExporters.GrpcAndGrpc or CostExporters.GrpcAndFile ? ", primary: otlp_grpc/sink" : "";

    private string Exporters(int upstreamPort, string own)
    {
        var upstream = $"endpoint: 127.0.0.1:{upstreamPort}, tls: {{ insecure: true }}";
        var spool = $"on_upstream_failure: spool, spool: {{ directory: \"{own}/spool\", max_size_mib: 8192 }}";
        return cost.To switch
        {
            CostExporters.GrpcGzip => $"  otlp_grpc/sink: {{ {upstream}, compression: gzip }}",
            CostExporters.GrpcZstd => $"  otlp_grpc/sink: {{ {upstream}, compression: zstd }}",
            CostExporters.GrpcAndGrpc => $"  otlp_grpc/sink: {{ {upstream} }}\n  otlp_grpc/other: {{ {upstream} }}",
            CostExporters.GrpcAndFile => $"  otlp_grpc/sink: {{ {upstream} }}\n  file: {{ path: \"{own}/out.json\" }}",
            CostExporters.Spool => $"  otlp_grpc/sink: {{ {upstream}, {spool} }}",
            CostExporters.SpoolWithoutUpstream => $"  otlp_grpc/sink: {{ endpoint: 127.0.0.1:{Loopback.FreePort()}, tls: {{ insecure: true }}, {spool} }}",
            _ => $"  otlp_grpc/sink: {{ {upstream} }}",
        };
    }
}
