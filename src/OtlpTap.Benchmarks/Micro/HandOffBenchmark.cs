using System.Threading.Channels;
using BenchmarkDotNet.Attributes;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Scan;
using OtlpTap.Tee;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>
/// What does the request path pay for handing a request on to all that looks further? Taken out again on the same
/// thread, so that no wake-up and no second processor blurs it.
/// </summary>
public class HandOffBenchmark
{
    private const int WaitingMax = 64;

    private readonly Tee.Tee _tee = new(new TeeOptions(), new TeeMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry())), TimeProvider.System);
    private readonly Channel<ExportTraceServiceRequest> _messages = Channel.CreateBounded<ExportTraceServiceRequest>(WaitingMax);
    private readonly ScanResult _scan = new();
    private byte[] _request = [];
    private Payload? _payload;

    [Params(RequestSize.Small, RequestSize.Typical, RequestSize.Huge, RequestSize.Hostile)]
    public RequestSize Size { get; set; }

    [GlobalSetup]
    public void Generate()
    {
        _request = Size.Bytes();
        _payload = new PayloadPool().Rent(_request.Length);
        _request.CopyTo(_payload.Writable);
    }

    [Benchmark(Baseline = true, Description = "parsed message through a bounded channel")]
    public ExportTraceServiceRequest? ParsedMessageThroughABoundedChannel()
    {
        _messages.Writer.TryWrite(ExportTraceServiceRequest.Parser.ParseFrom(_request));
        return _messages.Reader.TryRead(out var message) ? message : null;
    }

    [Benchmark(Description = "same bytes through the tee")]
    public bool SameBytesThroughTheTee()
    {
        var taken = _tee.TryOffer(Signal.Traces, _payload!, _scan, receivedTimestamp: 1);
        _tee.Reader.TryRead(out var item);
        _tee.Return(item);
        return taken;
    }
}
