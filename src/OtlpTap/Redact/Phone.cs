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
}
