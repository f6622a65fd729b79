using System.Globalization;
using static OtlpTap.Redact.AsciiBytes;

namespace OtlpTap.Redact;

/// <summary>Numbers of payment cards: an issuer's prefix, its length, and a check digit (Luhn). Source: ISO/IEC 7812, the issuers' ranges.</summary>
internal static class PaymentCard
{
    /// <param name="digits">ASCII digits alone.</param>
    public static bool IsValid(ReadOnlySpan<byte> digits) => IsIssued(digits) && HasCheckDigit(digits) && !IsOneDigit(digits);

    private static bool IsIssued(ReadOnlySpan<byte> digits)
    {
        if (digits.Length is < 13 or > 19)
        {
            return false;
        }

        var six = int.Parse(digits[..6], CultureInfo.InvariantCulture);
        var (four, three, two) = (six / 100, six / 1000, six / 10_000);
        return digits.Length switch
        {
            13 => two / 10 == 4,
            14 => three is >= 300 and <= 305 or 309 || two is 36 or 38 or 39,
            15 => two is 34 or 37,
            16 => two / 10 == 4 || two is >= 51 and <= 55 || four is >= 2221 and <= 2720 || two is 62 or 65 or 35 or 36 or 67 || four == 6011 || three is >= 644 and <= 649 || four is 5018 or 5020 or 5038 or 5893,
            19 => two is 62 or 65 || four is 6011 or 6759,
            _ => two == 62,
        };
    }

    private static bool HasCheckDigit(ReadOnlySpan<byte> digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            if (i % 2 == 1)
            {
                digit = digit * 2 > 9 ? (digit * 2) - 9 : digit * 2;
            }

            sum += digit;
        }

        return sum % 10 == 0;
    }

    private static bool IsOneDigit(ReadOnlySpan<byte> digits) => !digits.ContainsAnyExcept(digits[0]);

    /// <summary>Where the number that begins here ends; 0: none does.</summary>
    public static int EndAt(ReadOnlySpan<byte> text, int i)
    {
        const int DigitsMax = 19;
        if (i > 0 && IsJoined(text[i - 1]))
        {
            return 0;
        }

        Span<byte> digits = stackalloc byte[DigitsMax];
        var count = 0;
        var group = 0;
        byte separator = 0;
        var best = 0;
        var end = i;
        while (end < text.Length)
        {
            var c = text[end];
            if (IsDigit(c))
            {
                if (count == DigitsMax)
                {
                    return best;
                }

                digits[count++] = c;
                group++;
                end++;
                if ((end == text.Length || !IsWord(text[end])) && group >= 3 && !IsFraction(text, end) && IsValid(digits[..count]))
                {
                    best = end;
                }
            }
            else if (c is (byte)' ' or (byte)'-' && (separator == 0 || separator == c) && group is >= 3 and <= 6)
            {
                separator = c;
                group = 0;
                end++;
            }
            else
            {
                break;
            }
        }

        return best;
    }
}
