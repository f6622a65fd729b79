using System.Globalization;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// Addresses and networks as strictly as Go reads them: .NET's own reading takes <c>10.1</c>, octal and hexadecimal
/// numbers, brackets and zones. An IPv4 address within an IPv6 one is that IPv4 address.
/// </summary>
internal sealed class IpNetwork
{
    private readonly byte[] _address;
    private readonly int _bits;

    private IpNetwork(byte[] address, int bits)
    {
        _address = address;
        _bits = bits;
    }

    public static IpNetwork? Parse(string text)
    {
        var slash = text.IndexOf('/');
        if (slash < 0 || Parse(text.AsSpan(0, slash)) is not { } address)
        {
            return null;
        }

        var digits = text.AsSpan(slash + 1);
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange('0', '9') || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var bits) || bits > address.Length * 8)
        {
            return null;
        }

        // Of a network within the mapped addresses only the last 32 bits matter.
        var mapped = ToV4(address);
        return mapped.Length < address.Length && bits >= 96 ? new IpNetwork(mapped, bits - 96) : new IpNetwork(address, bits);
    }

    /// <summary>Four bytes or sixteen; null for what is no address.</summary>
    public static byte[]? ParseAddress(string text) => Parse(text.AsSpan()) is { } address ? ToV4(address) : null;

    public bool Contains(byte[] address)
    {
        if (address.Length != _address.Length)
        {
            return false;
        }

        var whole = _bits / 8;
        var rest = 0xFF00 >> (_bits % 8) & 0xFF;
        return address.AsSpan(0, whole).SequenceEqual(_address.AsSpan(0, whole)) && (whole == address.Length || ((address[whole] ^ _address[whole]) & rest) == 0);
    }

    private static byte[] ToV4(byte[] address) =>
        address.Length == 16 && !address.AsSpan(0, 10).ContainsAnyExcept((byte)0) && address[10] == 0xFF && address[11] == 0xFF ? address[12..] : address;

    private static byte[]? Parse(ReadOnlySpan<char> text) => text.IndexOfAny('.', ':') is var at and >= 0 && text[at] == '.' ? ParseV4(text) : ParseV6(text);

    private static byte[]? ParseV4(ReadOnlySpan<char> text)
    {
        var bytes = new byte[4];
        var count = 0;
        foreach (var range in text.Split('.'))
        {
            var part = text[range];
            if (count == 4 || part.Length is 0 or > 3 || part.ContainsAnyExceptInRange('0', '9') || (part.Length > 1 && part[0] == '0')
                || !byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out bytes[count]))
            {
                return null;
            }

            count++;
        }

        return count == 4 ? bytes : null;
    }

    private static byte[]? ParseV6(ReadOnlySpan<char> text)
    {
        var bytes = new List<byte>(16);
        var gap = -1;
        if (text.StartsWith("::"))
        {
            gap = 0;
            text = text[2..];
        }

        while (text.Length > 0)
        {
            var length = 0;
            while (length < text.Length && char.IsAsciiHexDigit(text[length]))
            {
                length++;
            }

            if (length < text.Length && text[length] == '.')
            {
                if (ParseV4(text) is not { } four || bytes.Count > 12 || (gap < 0 && bytes.Count != 12))
                {
                    return null;
                }

                bytes.AddRange(four);
                break;
            }

            if (length is 0 or > 4 || bytes.Count >= 16)
            {
                return null;
            }

            var group = ushort.Parse(text[..length], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            bytes.Add((byte)(group >> 8));
            bytes.Add((byte)group);
            text = text[length..];
            if (text.IsEmpty)
            {
                break;
            }

            if (text[0] != ':' || text.Length == 1)
            {
                return null;
            }

            text = text[1..];
            if (text[0] == ':')
            {
                if (gap >= 0)
                {
                    return null;
                }

                gap = bytes.Count;
                text = text[1..];
            }
        }

        if (bytes.Count < 16 && gap >= 0)
        {
            bytes.InsertRange(gap, new byte[16 - bytes.Count]);
        }
        else if (gap >= 0)
        {
            // A gap stands for something.
            return null;
        }

        return bytes.Count == 16 ? [.. bytes] : null;
    }
}
