using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Health;
using OtlpTap.Health.Steps;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Spans;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>What does it cost the recorder's thread to tell of every step of agents' runs, and to count them in windows?</summary>
public class StepsBenchmark : ISpanFactObserver
{
    private readonly ScanResult _nothing = new();
    private readonly ScanResult _result = new();
    private readonly RequestScanner _scanner = new(BenchmarkRules.Compile());
    private readonly SpanReader _reader;
    private readonly SpanReader _counting;
    private readonly SpanWalk _toReader;
    private readonly SpanWalk _toCounting;
    private byte[] _agents = [];
    private byte[] _others = [];

    public StepsBenchmark()
    {
        _reader = new SpanReader([this], new TraceOwners());
        _toReader = new SpanWalk([_reader]);
        var owners = new TraceOwners();
        _counting = new SpanReader([new HealthWindows(new HealthOptions(), owners, TimeProvider.System), new StepCounter(new TapMetrics("benchmark", TimeProvider.System).Health)], owners);
        _toCounting = new SpanWalk([_counting]);
    }

    /// <summary>Steps told of: kept, so that nothing is optimised away.</summary>
    public int Told { get; private set; }

    [Params(RequestSize.Typical, RequestSize.Huge)]
    public RequestSize Size { get; set; }

    [GlobalSetup]
    public void Generate()
    {
        _agents = Size.Bytes();
        _others = Others(Size.Spans()).ToByteArray();
        _nothing.Begin(Signal.Traces, CompiledRules.None);
    }

    [Benchmark(Baseline = true, Description = "scan with rules")]
    public bool Scan() => _scanner.TryScan(Signal.Traces, _agents, _result, out _);

    [Benchmark(Description = "steps of agents")]
    public void Agents() => Read(_toReader, _reader, _agents);

    [Benchmark(Description = "steps of agents, counted in windows and for Prometheus")]
    public void Counted() => Read(_toCounting, _counting, _agents);

    [Benchmark(Description = "spans of other software")]
    public void OtherSoftware() => Read(_toReader, _reader, _others);

    void ISpanFactObserver.Observed(ReadOnlySpan<SpanFact> facts) => Told += facts.Length;

    private void Read(SpanWalk walk, SpanReader reader, byte[] request)
    {
        reader.Begin(_nothing);
        walk.Read(request, WatchedKeys.None);
        reader.End();
    }

    private static ExportTraceServiceRequest Others(int spans)
    {
        var scope = new ScopeSpans { Scope = new InstrumentationScope { Name = "web" } };
        for (var i = 0; i < spans; i++)
        {
            scope.Spans.Add(new Span
            {
                TraceId = ByteString.CopyFrom([.. new byte[15], 1]),
                SpanId = ByteString.CopyFrom([1, .. BitConverter.GetBytes(i), 0, 0, 0]),
                Name = "GET /orders/{id}",
                StartTimeUnixNano = 1,
                EndTimeUnixNano = 2,
                Attributes =
                {
                    Text("http.request.method", "GET"), Text("url.path", "/orders/17"), Text("server.address", "shop.example"), Text("network.protocol.version", "1.1"),
                    Text("user_agent.original", "curl/8"), Text("client.address", "192.0.2.1"), Text("http.route", "/orders/{id}"), Text("url.scheme", "https"),
                },
            });
        }

        return new ExportTraceServiceRequest { ResourceSpans = { new ResourceSpans { Resource = new Resource { Attributes = { Text("service.name", "web") } }, ScopeSpans = { scope } } } };
    }

    private static KeyValue Text(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value } };
}
