using System.Buffers;
using System.Globalization;
using System.Text;

namespace OtlpTap.Redact;

/// <summary>
/// A text as the scanner reads it: digits of other scripts as ASCII digits, spaces and hyphens of typography as plain
/// ones, and without characters that nobody sees. Each byte knows where it came from.
/// </summary>
internal sealed class FoldedText
{
    private readonly byte[] _text;
    private readonly int[] _origins; // of each byte, and where the text ends

    private FoldedText(byte[] text, int[] origins) => (_text, _origins) = (text, origins);

    public ReadOnlySpan<byte> Text => _text;

    /// <summary>Null where nothing differs, as of nearly every text.</summary>
    public static FoldedText? Of(ReadOnlySpan<byte> text)
    {
        var first = text.IndexOfAnyInRange((byte)0x80, (byte)0xff);
        if (first < 0 || !IsAnyFolded(text[first..]))
        {
            return null;
        }

        var folded = new ArrayBufferWriter<byte>(text.Length);
        var origins = new List<int>(text.Length);
        for (var at = 0; at < text.Length;)
        {
            _ = Rune.DecodeFromUtf8(text[at..], out var rune, out var length);
            if (Fold(rune) is not { } plain)
            {
                folded.Write(text.Slice(at, length));
                for (var i = 0; i < length; i++)
                {
                    origins.Add(at + i);
                }
            }
            else if (plain != Nothing)
            {
                folded.Write([plain]);
                origins.Add(at);
            }

            at += length;
        }

        origins.Add(text.Length);
        return new FoldedText(folded.WrittenSpan.ToArray(), [.. origins]);
    }

    /// <summary>The piece of the text that was folded into the one that was found.</summary>
    public Finding Original(in Finding found) => found with { Start = _origins[found.Start], Length = _origins[found.End] - _origins[found.Start] };

    private const byte Nothing = 0;

    private static bool IsAnyFolded(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            _ = Rune.DecodeFromUtf8(text, out var rune, out var length);
            if (Fold(rune) is not null)
            {
                return true;
            }

            text = text[length..];
        }

        return false;
    }

    /// <summary>Null: it stays.</summary>
    private static byte? Fold(Rune rune) => rune.Value switch
    {
        < 0x80 => null,
        0xA0 or (>= 0x2000 and <= 0x200A) or 0x202F or 0x205F or 0x3000 => (byte)' ',
        >= 0x2010 and <= 0x2015 or 0x2212 or 0xFF0D => (byte)'-',
        0xAD or (>= 0x200B and <= 0x200F) or 0x2060 or 0xFEFF => Nothing,
        0xFF0B => (byte)'+',
        0xFF20 => (byte)'@',
        _ when Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber => (byte)('0' + (int)Rune.GetNumericValue(rune)),
        _ => null,
    };
}
