namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>Base64 as the reference decodes it: line breaks are skipped, padding must be there and right, or must not be there at all.</summary>
internal static class Base64
{
    public static Value Decode(string text, bool isUrl, bool isRaw)
    {
        var digits = text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        var data = isRaw ? digits : digits.TrimEnd('=');
        var padding = digits.Length - data.Length;
        var isRight = isRaw ? padding == 0 : (data.Length % 4) switch { 0 => padding == 0, 2 => padding == 2, 3 => padding == 1, _ => false };
        if (!isRight || data.Length % 4 == 1 || !data.All(c => char.IsAsciiLetterOrDigit(c) || (isUrl ? c is '-' or '_' : c is '+' or '/')))
        {
            return new Failure($"'{ByteText.ToDisplay(text)}' is no base64");
        }

        var bytes = new byte[data.Length * 3 / 4];
        var at = 0;
        var buffer = 0;
        var bits = 0;
        foreach (var digit in data)
        {
            buffer = (buffer << 6) | ValueOf(digit);
            bits += 6;
            if (bits >= 8)
            {
                bits -= 8;
                bytes[at++] = (byte)(buffer >> bits);
                buffer &= (1 << bits) - 1;
            }
        }

        return new TextValue(ByteText.Of(bytes));
    }

    private static int ValueOf(char digit) => digit switch
    {
        >= 'A' and <= 'Z' => digit - 'A',
        >= 'a' and <= 'z' => digit - 'a' + 26,
        >= '0' and <= '9' => digit - '0' + 52,
        '+' or '-' => 62,
        _ => 63,
    };
}
