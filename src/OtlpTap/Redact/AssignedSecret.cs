using static OtlpTap.Redact.AsciiBytes;

namespace OtlpTap.Redact;

/// <summary>A secret behind a word that says that it is one.</summary>
internal readonly record struct AssignedSecret(int Start, int End, Sensitive Kind)
{
    /// <summary><c>Bearer …</c>, <c>password=…</c>, <c>"api_key": "…"</c>, also with their quotes escaped.</summary>
    public static bool TryFind(ReadOnlySpan<byte> text, int i, out AssignedSecret found)
    {
        const int NameMax = 40;
        var end = i;
        while (end < text.Length && end - i <= NameMax && (IsWord(text[end]) || text[end] is (byte)'_' or (byte)'-'))
        {
            end++;
        }

        found = default;
        if (end - i > NameMax)
        {
            return false;
        }

        var name = text[i..end];
        if (end < text.Length && text[end] == ' ' && IsScheme(name, out var isBasic))
        {
            var token = end + 1;
            var tokenEnd = TokenEnd(text, token);
            var said = text[token..tokenEnd];
            found = new AssignedSecret(token, tokenEnd, Sensitive.Token);
            return said.Length >= 8 && (said.ContainsAnyInRange((byte)'0', (byte)'9') || (isBasic && said[^1] == '='));
        }

        return IsAssigned(text, end) && SensitiveKeys.KindOf(name) == Sensitive.Secret && TryFindAssigned(text, end, name, out found);
    }

    /// <summary><c>[email]</c>, <c>[email:5f…]</c>, <c>${VARIABLE}</c>, <c>&lt;your key&gt;</c>, <c>***</c>: nothing to hide.</summary>
    public static bool IsPlaceholder(byte first) => first is (byte)'[' or (byte)'{' or (byte)'<' or (byte)'*' or (byte)'$' or (byte)'%';

    // Asked before anything that takes longer: few words are followed so.
    private static bool IsAssigned(ReadOnlySpan<byte> text, int end)
    {
        const int DecorationMax = 4;
        for (var at = end; at < text.Length && at - end < DecorationMax; at++)
        {
            switch (text[at])
            {
                case (byte)':' or (byte)'=':
                    return true;
                case (byte)' ' or (byte)'"' or (byte)'\'' or (byte)'`' or (byte)'\\':
                    continue;
                default:
                    return false;
            }
        }

        return false;
    }

    private static bool IsScheme(ReadOnlySpan<byte> name, out bool isBasic)
    {
        isBasic = name.SequenceEqual("Basic"u8) || name.SequenceEqual("basic"u8);
        return isBasic || name.SequenceEqual("Bearer"u8) || name.SequenceEqual("bearer"u8) || name.SequenceEqual("BEARER"u8);
    }

    private static bool TryFindAssigned(ReadOnlySpan<byte> text, int end, ReadOnlySpan<byte> name, out AssignedSecret found)
    {
        const int DecorationMax = 8;
        const int ValueMin = 4;
        const int PlainMin = 8;
        const int LookedAtMax = 256;
        found = default;
        var value = end;
        var isAssigned = false;
        var isEquals = false;
        var isQuoted = false;
        while (value < text.Length && value - end < DecorationMax)
        {
            var c = text[value];
            if (c is (byte)':' or (byte)'=' && !isAssigned)
            {
                isAssigned = true;
                isEquals = c == '=';
            }
            else if (c is (byte)'"' or (byte)'\'' or (byte)'`')
            {
                isQuoted = isAssigned;
            }
            else if (c is not ((byte)' ' or (byte)'\\' or (byte)'>'))
            {
                break;
            }

            value++;
        }

        if (!isAssigned || value >= text.Length || IsPlaceholder(text[value]))
        {
            return false;
        }

        var valueEnd = value;
        while (valueEnd < text.Length && valueEnd - value < LookedAtMax && IsOfValue(text[valueEnd]))
        {
            valueEnd++;
        }

        // "Authorization: Bearer …": the word is looked at in its turn.
        var said = text[value..valueEnd];
        if (IsScheme(said, out _) || said.SequenceEqual("null"u8) || said.SequenceEqual("true"u8) || said.SequenceEqual("false"u8) || said.SequenceEqual("None"u8) || said.SequenceEqual("undefined"u8))
        {
            return false;
        }

        // In prose a colon follows the word as well: "Token: the smallest unit".
        var isPlain = !isQuoted && !isEquals;
        var isTaken = isPlain
            ? (said.Length >= PlainMin && said.ContainsAnyInRange((byte)'0', (byte)'9')) || (said.Length >= ValueMin && IsPassword(name))
            : said.Length >= ValueMin;
        while (isTaken && valueEnd < text.Length && IsOfValue(text[valueEnd]))
        {
            valueEnd++;
        }

        found = new AssignedSecret(value, valueEnd, Sensitive.Secret);
        return isTaken;
    }

    private static bool IsOfValue(byte value) =>
        value is > (byte)' ' and not ((byte)'"' or (byte)'\'' or (byte)'`' or (byte)',' or (byte)';' or (byte)'&' or (byte)'\\' or (byte)'<' or (byte)'}' or (byte)')');

    private static bool IsPassword(ReadOnlySpan<byte> name) => name.Length is >= 3 and <= 10 && (name[0] | 0x20) == 'p' && (name[1] | 0x20) is 'a' or 'w';

    private static int TokenEnd(ReadOnlySpan<byte> text, int start)
    {
        var end = start;
        while (end < text.Length && (IsOfRun(text[end]) || text[end] is (byte)'.' or (byte)'=' or (byte)'~' or (byte)'|' || (text[end] == ':' && end + 1 < text.Length && IsOfRun(text[end + 1]))))
        {
            end++;
        }

        return end > start && text[end - 1] == '.' ? end - 1 : end;
    }
}
