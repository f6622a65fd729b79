using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Payloads;
using OtlpTap.Otlp;

namespace OtlpTap.Benchmarks.Cost;

/// <summary>One kind of request through one set of exporters.</summary>
/// <param name="Name">As it is called in the table and on the command line.</param>
/// <param name="Spans">In each request.</param>
/// <param name="InFlight">Requests at a time: on one connection over gRPC, on as many over HTTP/1.1.</param>
/// <param name="Sent">As the agent sends it.</param>
/// <param name="To">Where it goes.</param>
internal sealed record CostCase(string Name, int Spans, int InFlight, SentAs Sent = SentAs.Grpc, CostExporters To = CostExporters.Grpc)
{
    // As many requests as take about the same time, by their size.
    private const int RequestsOfOneSpan = 20_000;
    private const int BytesLikeOneRequest = 12_000;
    private const byte PlainFlag = 0, GzipFlag = 1;

    // JSON.stringify escapes what must be, and nothing else.
    private static readonly JsonWriterOptions AsBrowsersWrite = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static readonly CostCase[] All =
    [
        new("grpc-1-m1", 1, 1),
        new("grpc-1-m32", 1, 32),
        new("grpc-50-m1", 50, 1),
        new("grpc-50-m32", 50, 32),
        new("grpc-512-m1", 512, 1),
        new("grpc-512-m32", 512, 32),
        new("http-protobuf-1-m32", 1, 32, SentAs.HttpProtobuf),
        new("http-protobuf-50-m1", 50, 1, SentAs.HttpProtobuf),
        new("http-protobuf-50-m32", 50, 32, SentAs.HttpProtobuf),
        new("http-json-50-m1", 50, 1, SentAs.HttpJson),
        new("http-json-50-m32", 50, 32, SentAs.HttpJson),
        new("http-protobuf-gzip-50-m32", 50, 32, SentAs.HttpProtobufGzip),
        new("http-protobuf-zstd-50-m32", 50, 32, SentAs.HttpProtobufZstd),
        new("grpc-gzip-50-m32", 50, 32, SentAs.GrpcGzip),
        new("grpc-gzip-to-gzip-50-m32", 50, 32, SentAs.GrpcGzip, CostExporters.GrpcGzip),
        new("grpc-to-gzip-50-m32", 50, 32, SentAs.Grpc, CostExporters.GrpcGzip),
        new("grpc-to-zstd-50-m32", 50, 32, SentAs.Grpc, CostExporters.GrpcZstd),
        new("grpc-and-grpc-50-m32", 50, 32, SentAs.Grpc, CostExporters.GrpcAndGrpc),
        new("grpc-and-file-50-m32", 50, 32, SentAs.Grpc, CostExporters.GrpcAndFile),
        new("grpc-spool-50-m32", 50, 32, SentAs.Grpc, CostExporters.Spool),
        new("grpc-append-50-m32", 50, 32, SentAs.Grpc, CostExporters.SpoolWithoutUpstream),
        new("grpc-append-1-m32", 1, 32, SentAs.Grpc, CostExporters.SpoolWithoutUpstream),
    ];

    public bool IsHttp => Sent is SentAs.HttpProtobuf or SentAs.HttpJson or SentAs.HttpProtobufGzip or SentAs.HttpProtobufZstd;

    /// <summary>Message bytes that the sink must get for each request at least; 0 where they depend on a compressor.</summary>
    public int ArrivingBytesMin => To is CostExporters.GrpcGzip or CostExporters.GrpcZstd or CostExporters.SpoolWithoutUpstream || Sent == SentAs.HttpJson ? 0 : MessageLength;

    public LoadCase Load => IsHttp ? new LoadCase(Spans, InFlight, 1) : new LoadCase(Spans, 1, InFlight);

    public RequestHead Head => Sent switch
    {
        SentAs.Grpc => RequestHead.Grpc,
        SentAs.GrpcGzip => RequestHead.Grpc.With("grpc-encoding: gzip"),
        SentAs.HttpProtobuf => RequestHead.Http("application/x-protobuf"),
        SentAs.HttpJson => RequestHead.Http("application/json"),
        SentAs.HttpProtobufGzip => RequestHead.Http("application/x-protobuf").With("content-encoding: gzip"),
        _ => RequestHead.Http("application/x-protobuf").With("content-encoding: zstd"),
    };

    public int MessageLength => AgentTraces.Request(Spans).CalculateSize();

    /// <summary>How often it is sent in one run.</summary>
    /// <param name="share">1 for the time of a second or two.</param>
    public int Requests(double share)
    {
        var weight = 1 + (MessageLength / (double)BytesLikeOneRequest);
        return Math.Max(4 * InFlight, (int)(RequestsOfOneSpan * share / weight));
    }

    public byte[] Body()
    {
        var request = AgentTraces.Request(Spans);
        var message = request.ToByteArray();
        return Sent switch
        {
            SentAs.Grpc => Frame(message, PlainFlag),
            SentAs.GrpcGzip => Frame(Gzip(message), GzipFlag),
            SentAs.HttpProtobuf => message,
            SentAs.HttpJson => Json(message),
            SentAs.HttpProtobufGzip => Gzip(message),
            _ => Zstd(message),
        };
    }

    private static byte[] Frame(byte[] message, byte flag)
    {
        var header = new byte[5];
        header[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(1), message.Length);
        return [.. header, .. message];
    }

    private static byte[] Gzip(byte[] message)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal))
        {
            gzip.Write(message);
        }

        return compressed.ToArray();
    }

    private static byte[] Zstd(byte[] message)
    {
        using var compressor = new ZstdSharp.Compressor();
        return compressor.Wrap(message).ToArray();
    }

    private static byte[] Json(byte[] message)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, AsBrowsersWrite))
        {
            OtlpJson.Write(Signal.Traces, message, json);
        }

        return buffer.WrittenSpan.ToArray();
    }
}
