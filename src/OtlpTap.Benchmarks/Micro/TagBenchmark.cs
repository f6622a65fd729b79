using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Buffers;
using OtlpTap.Otlp;
using OtlpTap.Scan;
using OtlpTap.Tag;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>What does it cost to add two attributes to the failing spans of a request (2 %, at least one; of the hostile one all)?</summary>
public class TagBenchmark
{
    private readonly PayloadPool _pool = new();
    private readonly ScanResult _result = new();
    private readonly RequestScanner _scanner = new(BenchmarkRules.Compile());
    private byte[] _request = [];
    private Payload? _payload;

    [Params(RequestSize.Small, RequestSize.Typical, RequestSize.Huge, RequestSize.Hostile)]
    public RequestSize Size { get; set; }

    [GlobalSetup]
    public void Generate()
    {
        _request = Size.FailingRequest().ToByteArray();
        _payload = _pool.Rent(_request.Length);
        _request.CopyTo(_payload.Writable);
        if (ScanAndTag() <= _request.Length)
        {
            throw new InvalidOperationException("Nothing was tagged.");
        }
    }

    [Benchmark(Baseline = true, Description = "parse modify serialize")]
    public byte[] ParseModifySerialize()
    {
        var request = ExportTraceServiceRequest.Parser.ParseFrom(_request);
        foreach (var resource in request.ResourceSpans)
        {
            foreach (var scope in resource.ScopeSpans)
            {
                foreach (var span in scope.Spans)
                {
                    if (span.Status?.Code == Status.Types.StatusCode.Error)
                    {
                        Tag(span);
                    }
                }
            }
        }

        return request.ToByteArray();
    }

    [Benchmark(Description = "scan and tag")]
    public int ScanAndTag()
    {
        _scanner.TryScan(Signal.Traces, _request, _result, out _);
        if (!Tagger.TryTag(_payload!, _result, _pool, out var tagged))
        {
            return 0;
        }

        var length = tagged!.Length;
        tagged.Release();
        return length;
    }

    private static void Tag(Span span)
    {
        span.Attributes.Add(new KeyValue { Key = "otlptap.failure", Value = new AnyValue { StringValue = "tool_error" } });
        span.Attributes.Add(new KeyValue
        {
            Key = "otlptap.rules",
            Value = new AnyValue { ArrayValue = new ArrayValue { Values = { new AnyValue { StringValue = "tool_failed" } } } },
        });
    }
}
