using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace OtlpTap.Otlp;

/// <summary>
/// What stands between the quotes of a JSON string, as UTF-8. <see cref="System.Text.Json.Utf8JsonReader"/> has checked
/// the escapes' grammar by then but leaves ill-formed text be and throws when asked to copy it; here it gets
/// replacement characters, so that one broken byte in a prompt does not cost the batch.
/// </summary>
internal static class OtlpJsonText
{
    // Beyond every limit of a message, with room for a tag and a length.
    private const int RepairedLengthMax = int.MaxValue - 64;

    /// <summary>Resolves the escapes of <paramref name="raw"/>; never longer than it. A lone surrogate becomes U+FFFD.</summary>
    /// <returns>The number of bytes written to <paramref name="destination"/>, which is as long as <paramref name="raw"/>.</returns>
    public static int Unescape(ReadOnlySpan<byte> raw, Span<byte> destination)
    {
        var written = 0;
        while (true)
        {
            var plain = raw.IndexOf((byte)'\\');
            if (plain < 0)
            {
                raw.CopyTo(destination[written..]);
                return written + raw.Length;
            }

            raw[..plain].CopyTo(destination[written..]);
            written += plain;
            raw = raw[plain..];
            raw = raw[UnescapeOne(raw, destination, ref written)..];
        }
    }

    /// <summary>How long <paramref name="utf8"/> is with U+FFFD for each ill-formed sequence: up to three times as long.</summary>
    public static int RepairedLength(ReadOnlySpan<byte> utf8)
    {
        long length = 0;
        while (!utf8.IsEmpty)
        {
            Rune.DecodeFromUtf8(utf8, out var rune, out var read);
            length += rune.Utf8SequenceLength;
            utf8 = utf8[read..];
        }

        return (int)Math.Min(length, RepairedLengthMax);
    }

    /// <summary>Puts U+FFFD for each ill-formed sequence; as far as there is room.</summary>
    public static void Repair(ReadOnlySpan<byte> utf8, Span<byte> destination)
    {
        while (!utf8.IsEmpty && !destination.IsEmpty)
        {
            Rune.DecodeFromUtf8(utf8, out var rune, out var read);
            destination = destination[rune.EncodeToUtf8(destination)..];
            utf8 = utf8[read..];
        }
    }

    /// <summary>
    /// Decodes base64 in place, in the standard or the URL alphabet, with padding or without, as protobuf's JSON mapping
    /// takes it. The buffer has three bytes to spare behind the text.
    /// </summary>
    public static bool TryDecodeBase64(Span<byte> buffer, int length, out int decodedLength)
    {
        var text = buffer[..length];
        text.Replace((byte)'-', (byte)'+');
        text.Replace((byte)'_', (byte)'/');
        length = text.TrimEnd((byte)'=').Length;
        while (length % 4 != 0)
        {
            buffer[length++] = (byte)'=';
        }

        return Base64.DecodeFromUtf8InPlace(buffer[..length], out decodedLength) == OperationStatus.Done;
    }

    /// <summary>Resolves the escape at the start of <paramref name="raw"/> and answers how many bytes of it that took.</summary>
    private static int UnescapeOne(ReadOnlySpan<byte> raw, Span<byte> destination, ref int written)
    {
        if (raw[1] != 'u')
        {
            destination[written++] = raw[1] switch
            {
                (byte)'b' => (byte)'\b',
                (byte)'f' => (byte)'\f',
                (byte)'n' => (byte)'\n',
                (byte)'r' => (byte)'\r',
                (byte)'t' => (byte)'\t',
                var same => same,
            };
            return 2;
        }

        var first = CodeUnit(raw);
        if (char.IsHighSurrogate(first) && raw.Length >= 12 && raw[6] == '\\' && raw[7] == 'u' && Rune.TryCreate(first, CodeUnit(raw[6..]), out var pair))
        {
            written += pair.EncodeToUtf8(destination[written..]);
            return 12;
        }

        var rune = Rune.TryCreate(first, out var single) ? single : Rune.ReplacementChar;
        written += rune.EncodeToUtf8(destination[written..]);
        return 6;
    }

    // \uXXXX
    private static char CodeUnit(ReadOnlySpan<byte> escape)
    {
        var valid = ushort.TryParse(escape[2..6], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit);
        Debug.Assert(valid, "The JSON reader checks the digits of an escape.");
        return (char)unit;
    }
}
