using static OtlpTap.Redact.AsciiBytes;

namespace OtlpTap.Redact;

/// <summary>Which rows of digits are numbers of telephones. Source: ITU-T E.164, the North American Numbering Plan.</summary>
internal static class Phone
{
    /// <summary>Behind a plus sign.</summary>
    public static bool IsInternational(ReadOnlySpan<byte> digits, ReadOnlySpan<byte> groups)
    {
        if (digits.Length is < 8 or > 15 || digits[0] == '0')
        {
            return false;
        }

        return (char)digits[0] switch
        {
            '1' => digits.Length == 11 && digits[1] >= '2' && digits[4] >= '2',
            '7' => digits.Length == 11,

            // "+5 10 20 30 40" is arithmetic: some group has three digits at least, or there are ten.
            _ => digits.Length >= 10 || groups.ContainsAnyInRange((byte)3, (byte)15),
        };
    }

    /// <summary><c>00</c>, then the country: 0049 30 1234567.</summary>
    public static bool IsInternationalByZeros(ReadOnlySpan<byte> digits) =>
        digits is [(byte)'0', (byte)'0', > (byte)'1', ..] && digits.Length is >= 12 and <= 15;

    /// <summary>(415) 555-2671, 415-555-2671, 415.555.2671, 1-415-555-2671.</summary>
    public static bool IsNorthAmerican(ReadOnlySpan<byte> digits, ReadOnlySpan<byte> groups, bool hasArea, bool isDotted)
    {
        if (digits.Length == 11 && digits[0] == '1' && groups.Length == 4 && groups[0] == 1)
        {
            digits = digits[1..];
            groups = groups[1..];
        }

        return digits.Length == 10
            && groups.SequenceEqual((ReadOnlySpan<byte>)[3, 3, 4])
            && digits[0] >= '2' && digits[3] >= '2'
            && (hasArea || isDotted);
    }

    public static bool IsDate(ReadOnlySpan<byte> groups) =>
        groups.Length >= 3 && (groups[..3].SequenceEqual((ReadOnlySpan<byte>)[4, 2, 2]) || groups[..3].SequenceEqual((ReadOnlySpan<byte>)[2, 2, 4]));

    /// <summary>Where the number that begins here ends; 0: none does.</summary>
    /// <param name="isPhone">What the text belongs to says that it is one.</param>
    public static int EndAt(ReadOnlySpan<byte> text, int i, bool isPhone)
    {
        const int DigitsMax = 15;
        if (i > 0 && (IsWord(text[i - 1]) || (text[i] != '+' && IsJoined(text[i - 1])) || (i > 1 && text[i - 1] == ' ' && IsDigit(text[i - 2]))))
        {
            return 0;
        }

        Span<byte> digits = stackalloc byte[DigitsMax];
        Span<byte> groups = stackalloc byte[DigitsMax + 1];
        var (count, group) = (0, 0);
        var isInternational = text[i] == '+';
        var hasArea = false;
        var isDotted = true;
        var isSpaced = false;
        var lastDigit = i;
        var end = isInternational ? i + 1 : i;
        for (; end < text.Length; end++)
        {
            var c = text[end];
            if (IsDigit(c))
            {
                if (count == DigitsMax)
                {
                    return 0;
                }

                digits[count++] = c;
                groups[group]++;
                isDotted &= !isSpaced;
                lastDigit = end;
            }
            else if (c is (byte)'(' && (count <= 4 || group == 0) && !hasArea)
            {
                hasArea = true;
                Next(ref group, groups);
            }
            else if (c is (byte)')' && hasArea)
            {
                Next(ref group, groups);
            }
            else if (c is (byte)' ' or (byte)'-' or (byte)'.' or (byte)'/' && count > 0 && (text[end - 1] is (byte)')' || IsDigit(text[end - 1])))
            {
                isSpaced = c is not ((byte)'-' or (byte)'.');
                Next(ref group, groups);
            }
            else
            {
                break;
            }
        }

        end = lastDigit + 1;
        if (count == 0 || (end < text.Length && IsWord(text[end])) || IsFraction(text, end))
        {
            return 0;
        }

        var used = groups[group] == 0 ? group : group + 1;
        var isFound = isInternational ? IsInternational(digits[..count], groups[..used])
            : IsNorthAmerican(digits[..count], groups[..used], hasArea, isDotted)
            || IsInternationalByZeros(digits[..count])
            || (count >= 7 && (isPhone || IsSaidToBePhone(text, i)) && !IsDate(groups[..used]));
        return isFound ? end : 0;

        static void Next(ref int group, Span<byte> groups) => group += groups[group] > 0 ? 1 : 0;
    }

    private static bool IsSaidToBePhone(ReadOnlySpan<byte> text, int i)
    {
        const int Back = 20;
        Span<byte> before = stackalloc byte[Back];
        var source = text[Math.Max(0, i - Back)..i];
        for (var at = 0; at < source.Length; at++)
        {
            before[at] = (byte)(source[at] | 0x20);
        }

        var said = before[..source.Length];
        return said.IndexOf("phone"u8) >= 0 || said.IndexOf("mobile"u8) >= 0 || said.IndexOf("tel:"u8) >= 0 || said.IndexOf("telefon"u8) >= 0
            || said.IndexOf("tel."u8) >= 0 || said.IndexOf("whatsapp"u8) >= 0 || said.IndexOf("call me"u8) >= 0 || said.IndexOf("fax"u8) >= 0;
    }
}
