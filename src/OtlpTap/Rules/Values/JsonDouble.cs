using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules.Values;

/// <summary>The text of a number with a point, as JSON has it, fed to a pattern.</summary>
internal static class JsonDouble
{
    /// <summary>
    /// The shortest digits that read back as the same number; from 1e21 on and below 1e-6 with an exponent of at least
    /// two digits (<c>1e-07</c>).
    /// </summary>
    public static bool TryFeed(double value, ref TextSink sink)
    {
        if (!double.IsFinite(value))
        {
            return false;
        }

        // At most 17 digits, sign, point and exponent: "-1.2345678901234567E-308".
        Span<byte> shortest = stackalloc byte[32];
        value.TryFormat(shortest, out var length, "R", CultureInfo.InvariantCulture);
        var text = shortest[..length];
        if (double.IsNegative(value))
        {
            sink.Add("-"u8);
            text = text.TrimStart((byte)'-');
        }

        Span<byte> digits = stackalloc byte[32];
        var (count, exponent) = Digits(text, digits);
        var magnitude = Math.Abs(value);
        if (magnitude != 0 && magnitude is < 1e-6 or >= 1e21)
        {
            FeedScientific(digits[..count], exponent - 1, ref sink);
        }
        else
        {
            FeedPlain(digits[..count], exponent, ref sink);
        }

        return true;
    }

    /// <summary>The significant digits, and the place of the point: the value is 0.digits times ten to the exponent.</summary>
    private static (int Count, int Exponent) Digits(ReadOnlySpan<byte> text, Span<byte> digits)
    {
        var exponentAt = text.IndexOf((byte)'E');
        var exponent = 0;
        if (exponentAt >= 0)
        {
            _ = Utf8Parser.TryParse(text[(exponentAt + 1)..].TrimStart((byte)'+'), out exponent, out _);
            text = text[..exponentAt];
        }

        var point = text.IndexOf((byte)'.');
        exponent += point >= 0 ? point : text.Length;
        var count = 0;
        foreach (var digit in text)
        {
            if (digit != '.' && (count > 0 || digit != '0'))
            {
                digits[count++] = digit;
            }
            else if (digit == '0')
            {
                exponent--;
            }
        }

        while (count > 0 && digits[count - 1] == '0')
        {
            count--;
        }

        return (count, exponent);
    }

    private static void FeedPlain(scoped ReadOnlySpan<byte> digits, int exponent, ref TextSink sink)
    {
        if (digits.IsEmpty)
        {
            sink.Add("0"u8);
            return;
        }

        if (exponent <= 0)
        {
            sink.Add("0."u8);
            FeedZeros(-exponent, ref sink);
            sink.Add(digits);
            return;
        }

        sink.Add(digits[..Math.Min(exponent, digits.Length)]);
        FeedZeros(exponent - digits.Length, ref sink);
        if (digits.Length > exponent)
        {
            sink.Add("."u8);
            sink.Add(digits[exponent..]);
        }
    }

    private static void FeedScientific(scoped ReadOnlySpan<byte> digits, int exponent, ref TextSink sink)
    {
        sink.Add(digits[..1]);
        if (digits.Length > 1)
        {
            sink.Add("."u8);
            sink.Add(digits[1..]);
        }

        sink.Add(exponent < 0 ? "e-"u8 : "e+"u8);
        Span<byte> text = stackalloc byte[4];
        Utf8Formatter.TryFormat(Math.Abs(exponent), text, out var length, new StandardFormat('D', 2));
        sink.Add(text[..length]);
    }

    private static void FeedZeros(int count, ref TextSink sink)
    {
        for (var i = 0; i < count; i++)
        {
            sink.Add("0"u8);
        }
    }
}
