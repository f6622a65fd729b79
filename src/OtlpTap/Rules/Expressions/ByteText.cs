using System.Text;

namespace OtlpTap.Rules.Expressions;

/// <summary>
/// Texts as OTTL has them: sequences of bytes, UTF-8 as a rule, that a condition may cut within a character, compare byte
/// by byte and measure in bytes. They are kept in strings whose every char is one byte (0 to 255), so that all the ordinal
/// operations of strings are operations on bytes.
/// </summary>
internal static class ByteText
{
    /// <summary>A text that grows beyond this is an error: a condition can ask for a million blanks in six characters.</summary>
    public const int LengthMax = 32 * 1024 * 1024;

    public static string Of(string text) => Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    public static string Of(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static string Of(Rune rune)
    {
        Span<byte> bytes = stackalloc byte[4];
        return Of(bytes[..rune.EncodeToUtf8(bytes)]);
    }

    public static byte[] ToBytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>For people: bytes that are no UTF-8 become U+FFFD.</summary>
    public static string ToDisplay(string text) => Ascii.IsValid(text) ? text : Encoding.UTF8.GetString(ToBytes(text));

    /// <summary>The characters; each byte that is no UTF-8 is U+FFFD alone.</summary>
    public static IEnumerable<(Rune Rune, int Start, int Length)> Runes(string text)
    {
        for (var at = 0; at < text.Length;)
        {
            var (rune, length) = RuneAt(text, at);
            yield return (rune, at, length);
            at += length;
        }
    }

    public static (Rune Rune, int Length) RuneAt(string text, int at)
    {
        if (text[at] < 0x80)
        {
            return (new Rune(text[at]), 1);
        }

        Span<byte> bytes = stackalloc byte[4];
        var count = Math.Min(4, text.Length - at);
        for (var i = 0; i < count; i++)
        {
            bytes[i] = (byte)text[at + i];
        }

        return Rune.DecodeFromUtf8(bytes[..count], out var rune, out var length) == System.Buffers.OperationStatus.Done ? (rune, length) : (Rune.ReplacementChar, 1);
    }
}
