using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OtlpTap.Web;

/// <summary>A JSON document as the text of another one's string, written through piece by piece.</summary>
internal sealed class JsonInText : IBufferWriter<byte>
{
    private readonly Utf8JsonWriter _outer;
    private byte[] _piece = new byte[4 << 10];

    private JsonInText(Utf8JsonWriter outer) => _outer = outer;

    /// <param name="json">Where a value is expected.</param>
    public static void WriteStringValue(Utf8JsonWriter json, Action<Utf8JsonWriter> write)
    {
        using (var inner = new Utf8JsonWriter(new JsonInText(json), new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            write(inner);
        }

        json.WriteStringValueSegment(""u8, isFinalSegment: true);
    }

    public void Advance(int count) => _outer.WriteStringValueSegment(_piece.AsSpan(0, count), isFinalSegment: false);

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_piece.Length < sizeHint)
        {
            _piece = new byte[sizeHint];
        }

        return _piece;
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
}
