using BenchmarkDotNet.Attributes;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>What does it cost to look at every span of a request?</summary>
public class ScanBenchmark
{
    private readonly ScanResult _result = new();
    private readonly RequestScanner _bare = new(CompiledRules.None);
    private readonly RequestScanner _withRules = new(BenchmarkRules.Compile());
    private byte[] _request = [];

    [Params(RequestSize.Small, RequestSize.Typical, RequestSize.Huge, RequestSize.Hostile)]
    public RequestSize Size { get; set; }

    [GlobalSetup]
    public void Generate() => _request = Size.Bytes();

    [Benchmark(Baseline = true, Description = "parse")]
    public ExportTraceServiceRequest Parse() => ExportTraceServiceRequest.Parser.ParseFrom(_request);

    [Benchmark(Description = "scan without rules")]
    public bool ScanWithoutRules() => _bare.TryScan(Signal.Traces, _request, _result, out _);

    [Benchmark(Description = "scan with rules")]
    public bool ScanWithRules() => _withRules.TryScan(Signal.Traces, _request, _result, out _);
}
