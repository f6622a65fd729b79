using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using OtlpTap.Otlp;
using OtlpTap.Tests.Proto;

namespace OtlpTap.Tests.Otlp;

/// <summary>The two directions in the forms that tests compare.</summary>
internal static class Transcoding
{
    /// <summary>Protobuf to JSON, in a text that shows what was written.</summary>
    public static string Json(Signal signal, ReadOnlySpan<byte> request, out bool isWhole)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            isWhole = OtlpJson.Write(signal, request, json);
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray());
    }

    public static string Json(Signal signal, IMessage request)
    {
        var json = Json(signal, request.ToByteArray(), out var isWhole);
        Assert.True(isWhole);
        return json;
    }

    public static string Json(Signal signal, ReadOnlySpan<byte> request)
    {
        var json = Json(signal, request, out var isWhole);
        Assert.True(isWhole);
        return json;
    }

    public static byte[] Bytes(Signal signal, string json) => Bytes(signal, System.Text.Encoding.UTF8.GetBytes(json));

    public static byte[] Bytes(Signal signal, ReadOnlySpan<byte> json)
    {
        var request = new ArrayBufferWriter<byte>();
        Assert.True(OtlpJson.TryRead(signal, json, request, out var error), error.ToString());
        return request.WrittenSpan.ToArray();
    }

    public static IMessage Request(Signal signal, string json) => CapturedPayloads.ParserFor(signal).ParseFrom(Bytes(signal, json));

    public static OtlpJsonError Refused(Signal signal, ReadOnlySpan<byte> json)
    {
        var request = new ArrayBufferWriter<byte>();
        Assert.False(OtlpJson.TryRead(signal, json, request, out var error));
        Assert.Equal(0, request.WrittenCount);
        Assert.NotEmpty(error.Message);
        Assert.InRange(error.ByteOffset, 0, json.Length);
        return error;
    }
}
