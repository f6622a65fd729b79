using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Otlp;
using ZstdSharp;

namespace OtlpTap.Forward.Files;

/// <summary>
/// How requests stand in a file, as the Collector's file exporter writes and its <c>otlp_json_file</c> receiver reads them:
/// <code>
///   json:         {"resourceSpans":[...]}\n
///   proto:        | length, 4 bytes big-endian | message |
///   zstd (both):  | length, 4 bytes big-endian | one zstd frame with the message or the JSON without its line end |
/// </code>
/// </summary>
internal sealed class FileFormat(bool isProto, bool isZstd) : IDisposable
{
    public const int LengthBytes = 4;

    private readonly Utf8JsonWriter _json = new(
        Stream.Null,

        // A file is not HTML: what need not be escaped stays readable. The transcoder writes no invalid JSON to be checked for.
        new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });

    private readonly GrowingBuffer _uncompressed = new();
    private readonly Compressor? _compressor = isZstd ? new Compressor() : null;

    /// <summary>Lines, or messages behind their lengths.</summary>
    public bool IsLines => !isProto && !isZstd;

    /// <summary>Adds one request. False, and nothing added, when JSON cannot hold all of it (nested deeper than <see cref="OtlpJson.AnyValueDepthMax"/>).</summary>
    public bool TryWrite(Signal signal, ReadOnlySpan<byte> request, GrowingBuffer buffer)
    {
        if (_compressor is null)
        {
            return isProto ? WriteFramed(request, buffer) : TryWriteLine(signal, request, buffer);
        }

        _uncompressed.Clear();
        if (isProto)
        {
            return WriteCompressed(_compressor, request, buffer);
        }

        return TryWriteJson(signal, request, _uncompressed) && WriteCompressed(_compressor, _uncompressed.Span, buffer);
    }

    public void Dispose()
    {
        _json.Dispose();
        _compressor?.Dispose();
    }

    private static bool WriteFramed(ReadOnlySpan<byte> message, GrowingBuffer buffer)
    {
        BinaryPrimitives.WriteInt32BigEndian(buffer.GetSpan(LengthBytes), message.Length);
        buffer.Advance(LengthBytes);
        buffer.Write(message);
        return true;
    }

    private static bool WriteCompressed(Compressor compressor, ReadOnlySpan<byte> message, GrowingBuffer buffer)
    {
        var start = buffer.Length;
        buffer.GetSpan(LengthBytes + Compressor.GetCompressBound(message.Length));
        buffer.Advance(LengthBytes);
        var length = compressor.Wrap(message, buffer.GetSpan(Compressor.GetCompressBound(message.Length)));
        buffer.Advance(length);
        BinaryPrimitives.WriteInt32BigEndian(buffer.Written(start, LengthBytes), length);
        return true;
    }

    private bool TryWriteLine(Signal signal, ReadOnlySpan<byte> request, GrowingBuffer buffer)
    {
        if (!TryWriteJson(signal, request, buffer))
        {
            return false;
        }

        buffer.Write("\n"u8);
        return true;
    }

    private bool TryWriteJson(Signal signal, ReadOnlySpan<byte> request, GrowingBuffer buffer)
    {
        var start = buffer.Length;
        _json.Reset(buffer);
        var isWhole = OtlpJson.Write(signal, request, _json);
        _json.Flush();
        if (!isWhole)
        {
            buffer.Truncate(start);
        }

        return isWhole;
    }
}
