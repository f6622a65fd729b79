using System.Globalization;
using System.Text;

namespace OtlpTap.Detectors.Grounding;

internal enum FieldKind : byte
{
    Key,
    Text,
    Number,
    Boolean,
    Count,
}

/// <summary>
/// Reads JSON, whole or cut, and its relatives (single quotes, True and None), as keys and values. Strings that hold JSON again are read as such, four levels deep.
/// No recursion: depth costs nothing but a counter.
/// </summary>
internal static class Fields
{
    private const int NestingMax = 4;
    private const int DepthMax = 256;

    public delegate void Take(FieldKind kind, ReadOnlySpan<char> key, ReadOnlySpan<char> text, double number);

    public static bool LooksLikeJson(ReadOnlySpan<char> text)
    {
        var start = text.TrimStart();
        return start.Length > 1 && (start[0] == '{' || start[0] == '[') && start[1..].TrimStart() is { Length: > 0 } rest && (rest[0] is '"' or '\'' or '{' or '[' or ']' or '}' or '-' || char.IsAsciiDigit(rest[0]));
    }

    public static void Read(ReadOnlySpan<char> text, Take take, int nesting = 0)
    {
        var key = "";
        var keys = new Stack<(string Key, int Count)>();
        var count = 0;
        var i = 0;
        while (i < text.Length)
        {
            var c = text[i];
            switch (c)
            {
                case '{' or '[':
                    if (keys.Count < DepthMax)
                    {
                        keys.Push((key, count));
                    }

                    count = c == '[' ? 0 : -1_000_000_000;
                    i++;
                    if (c == '[' && i < text.Length && text[i..Math.Min(text.Length, i + 16)].TrimStart() is { Length: > 0 } first && first[0] != ']')
                    {
                        count = 1;
                    }

                    break;
                case '}' or ']':
                    if (keys.TryPop(out var outer))
                    {
                        key = outer.Key;
                        if (c == ']' && count >= 0)
                        {
                            take(FieldKind.Count, key, default, count);
                        }

                        count = outer.Count;
                    }

                    i++;
                    break;
                case ',':
                    count++;
                    i++;
                    break;
                case '"' or '\'':
                    var value = Unquote(text, ref i, out var raw);
                    var behind = i;
                    while (behind < text.Length && behind < i + 8 && char.IsWhiteSpace(text[behind]))
                    {
                        behind++;
                    }

                    if (behind < text.Length && text[behind] == ':')
                    {
                        key = value ?? raw.ToString();
                        take(FieldKind.Key, default, key, 0);
                        i = behind + 1;
                    }
                    else
                    {
                        var said = value is null ? raw : value;
                        if (nesting < NestingMax && LooksLikeJson(said))
                        {
                            Read(said, take, nesting + 1);
                        }
                        else
                        {
                            take(FieldKind.Text, key, said, 0);
                        }
                    }

                    break;
                default:
                    if (char.IsLetterOrDigit(c) || c is '-' or '+')
                    {
                        var start = i;
                        while (i < text.Length && text[i] is not (',' or '}' or ']' or ' ' or '\n' or '\r' or '\t'))
                        {
                            i++;
                        }

                        Bare(text[start..i], key, take);
                    }
                    else
                    {
                        i++;
                    }

                    break;
            }
        }
    }

    private static void Bare(ReadOnlySpan<char> word, string key, Take take)
    {
        if (word.Equals("true", StringComparison.OrdinalIgnoreCase) || word.Equals("false", StringComparison.OrdinalIgnoreCase))
        {
            take(FieldKind.Boolean, key, word, word[0] is 't' or 'T' ? 1 : 0);
        }
        else if (word.Length <= 40 && double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            take(FieldKind.Number, key, word, number);
        }
        else if (!word.Equals("null", StringComparison.OrdinalIgnoreCase) && word is not "None")
        {
            take(FieldKind.Text, key, word, 0);
        }
    }

    /// <returns>Null where nothing was escaped: then <paramref name="raw"/> is it.</returns>
    private static string? Unquote(ReadOnlySpan<char> text, ref int i, out ReadOnlySpan<char> raw)
    {
        var quote = text[i++];
        var start = i;
        StringBuilder? unescaped = null;
        var from = i;
        while (i < text.Length && text[i] != quote)
        {
            if (text[i] == '\\' && i + 1 < text.Length)
            {
                unescaped ??= new StringBuilder();
                unescaped.Append(text[from..i]);
                var escape = text[i + 1];
                i += 2;
                if (escape == 'u' && i + 4 <= text.Length && ushort.TryParse(text.Slice(i, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                {
                    unescaped.Append((char)code);
                    i += 4;
                }
                else
                {
                    unescaped.Append(escape switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'b' or 'f' => ' ', _ => escape });
                }

                from = i;
            }
            else
            {
                i++;
            }
        }

        raw = text[start..Math.Min(i, text.Length)];
        unescaped?.Append(text[from..Math.Min(i, text.Length)]);
        i = Math.Min(i + 1, text.Length);
        return unescaped?.ToString();
    }
}
