using System.Buffers;
using System.Text;

namespace OtlpTap.Validate;

/// <summary>
/// Text with U+FFFD for each maximal subpart that is no UTF-8 (The Unicode Standard, "U+FFFD Substitution of Maximal
/// Subparts"), which is what WHATWG's decoder and .NET's do too.
/// </summary>
internal static class MendedText
{
    private static ReadOnlySpan<byte> Replacement => "\ufffd"u8;

    /// <summary>Up to three times the length of <paramref name="text"/>.</summary>
    public static long Length(ReadOnlySpan<byte> text)
    {
        long length = 0;
        while (Next(ref text, out var valid, out var isWhole))
        {
            length += valid.Length + (isWhole ? 0 : Replacement.Length);
        }

        return length;
    }

    /// <summary>Writes just as many bytes as <see cref="Length"/> says, and answers how many.</summary>
    public static int Write(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        var written = 0;
        while (Next(ref text, out var valid, out var isWhole))
        {
            valid.CopyTo(destination[written..]);
            written += valid.Length;
            if (!isWhole)
            {
                Replacement.CopyTo(destination[written..]);
                written += Replacement.Length;
            }
        }

        return written;
    }

    /// <summary>Takes the longest valid start off <paramref name="text"/>, and the subpart behind it that is not.</summary>
    private static bool Next(ref ReadOnlySpan<byte> text, out ReadOnlySpan<byte> valid, out bool isWhole)
    {
        var length = 0;
        isWhole = true;
        var consumed = 0;
        while (length < text.Length)
        {
            var ascii = text[length..].IndexOfAnyExceptInRange((byte)0, (byte)0x7f);
            length += ascii < 0 ? text.Length - length : ascii;
            if (length < text.Length)
            {
                isWhole = Rune.DecodeFromUtf8(text[length..], out _, out consumed) == OperationStatus.Done;
                if (!isWhole)
                {
                    break;
                }

                length += consumed;
            }
        }

        valid = text[..length];
        var any = text.Length > 0;
        text = text[(length + (isWhole ? 0 : consumed))..];
        return any;
    }
}
