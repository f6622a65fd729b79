using System.Buffers;
using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.EndToEnd.Conformance;

/// <summary>The three forms in which a sender speaks OTLP.</summary>
public enum Protocol
{
    Grpc,
    HttpProtobuf,
    HttpJson,
}

/// <summary>What differs between them.</summary>
internal static class Protocols
{
    public static string ContentTypeOf(Protocol protocol) => protocol switch
    {
        Protocol.Grpc => "application/grpc",
        Protocol.HttpProtobuf => "application/x-protobuf",
        _ => "application/json",
    };

    public static string PathOf(Protocol protocol, Signal signal) =>
        protocol == Protocol.Grpc ? ExportServiceNames.PathOf(signal) : $"/v1/{signal.ToString().ToLowerInvariant()}";

    /// <summary>A request's message in this form; over gRPC without the prefix that stands before it.</summary>
    public static byte[] MessageOf(Protocol protocol, Signal signal, byte[] request)
    {
        if (protocol != Protocol.HttpJson)
        {
            return request;
        }

        var text = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(text))
        {
            Assert.True(OtlpJson.Write(signal, request, json));
        }

        return text.WrittenSpan.ToArray();
    }

    /// <summary>A trace request that takes exactly so many bytes in this form.</summary>
    public static byte[] MessageOf(Protocol protocol, int bytes)
    {
        var text = bytes;
        while (true)
        {
            var message = MessageOf(protocol, Signal.Traces, new TraceBuilder().Span(new string('x', text)).ToBytes());
            if (message.Length == bytes)
            {
                return message;
            }

            text -= message.Length - bytes;
        }
    }
}
