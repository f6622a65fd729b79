using System.Buffers;
using BenchmarkDotNet.Attributes;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Buffers;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>What does it cost to take a request over from the server's buffers?</summary>
public class MarshalBenchmark
{
    // As Kestrel's memory pool hands it over in the tap.
    private const int BlockBytes = 64 << 10;

    private readonly PayloadPool _pool = new();
    private ReadOnlySequence<byte> _request;

    [Params(RequestSize.Small, RequestSize.Typical, RequestSize.Huge, RequestSize.Hostile)]
    public RequestSize Size { get; set; }

    [GlobalSetup]
    public void Generate() => _request = Block.Chain(Size.Bytes());

    [Benchmark(Baseline = true, Description = "parse")]
    public ExportTraceServiceRequest Parse() => ExportTraceServiceRequest.Parser.ParseFrom(_request);

    [Benchmark(Description = "copy into a payload")]
    public int CopyIntoAPayload()
    {
        var payload = _pool.Rent((int)_request.Length);
        _request.CopyTo(payload.Writable);
        payload.Release();
        return payload.Length;
    }

    private sealed class Block : ReadOnlySequenceSegment<byte>
    {
        private Block(ReadOnlyMemory<byte> memory, long runningIndex)
        {
            Memory = memory;
            RunningIndex = runningIndex;
        }

        public static ReadOnlySequence<byte> Chain(ReadOnlyMemory<byte> bytes)
        {
            var first = new Block(bytes[..Math.Min(BlockBytes, bytes.Length)], 0);
            var last = first;
            for (var start = BlockBytes; start < bytes.Length; start += BlockBytes)
            {
                var next = new Block(bytes.Slice(start, Math.Min(BlockBytes, bytes.Length - start)), start);
                last.Next = next;
                last = next;
            }

            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }
}
