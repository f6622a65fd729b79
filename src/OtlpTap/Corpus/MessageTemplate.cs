using System.Buffers;
using System.Text;
using System.Text.Json;

namespace OtlpTap.Corpus;

/// <summary>
/// A message without its variable parts: what is left is what two failures of one cause have in common. Addresses, ids,
/// times, numbers, paths and what is quoted become words in angle brackets, as do the values that the failing step was
/// called with: "no weather for Atlantis" and "no weather for Paris" are one failure when the argument said so.
/// Depends on the message and those values alone, so that it is the same on every machine and in any order.
/// </summary>
internal static class MessageTemplate
{
    /// <summary>Of the message; what follows is a stack trace or a page.</summary>
    private const int LengthMax = 2048;

    /// <summary>Of the template.</summary>
    private const int TemplateMax = 300;

    private const int ArgumentsMax = 64;

    private static readonly SearchValues<char> PlaceholderName = SearchValues.Create("abcdefghijklmnopqrstuvwxyz_");

    // Where tools and providers put what went wrong, in the order in which it is looked for.
    private static readonly string[] ErrorKeys = ["error", "message", "detail", "details", "error_message", "errorMessage", "reason", "title", "code", "type", "content", "text", "errors"];

    /// <param name="arguments">What the failing step was called with: JSON, or null.</param>
    public static string Of(string message, string? arguments = null)
    {
        var text = FirstLine(FromJson(message, depth: 0) ?? message);
        var values = arguments is null ? [] : ValuesIn(arguments);
        foreach (var value in values)
        {
            text = ReplaceWhole(text, value);
        }

        var template = new StringBuilder();
        var i = 0;
        while (i < text.Length && template.Length < TemplateMax)
        {
            i = Next(text, i, template);
        }

        return Collapse(template.ToString());
    }

    /// <summary>A name of an agent, a tool or a model without what makes each instance's differ: ids and dates.</summary>
    public static string OfName(string name)
    {
        const int NameMax = 128;
        var text = name.Length > NameMax ? name[..NameMax] : name;
        var result = new StringBuilder();
        var i = 0;
        while (i < text.Length)
        {
            if (IsUuid(text, i))
            {
                result.Append("<id>");
                i += 36;
                continue;
            }

            var end = i;
            while (end < text.Length && char.IsAsciiLetterOrDigit(text[end]))
            {
                end++;
            }

            if (end == i)
            {
                result.Append(text[i++]);
                continue;
            }

            var word = text.AsSpan(i, end - i);
            var digits = CountDigits(word);
            result.Append(digits == word.Length && word.Length >= 5 ? "<n>" : word.Length >= 8 && digits >= 2 && IsHex(word) ? "<id>" : word);
            i = end;
        }

        return result.ToString();
    }

    /// <summary>A model without the date or the number of its snapshot: asked for by its short name, it answers by its long one.</summary>
    public static string OfModel(string model)
    {
        var name = OfName(model);
        var slash = name.LastIndexOf('/');
        name = (slash >= 0 ? name[(slash + 1)..] : name).ToLowerInvariant();
        string[] endings = ["-latest", "-<n>", "@<n>", "-preview"];
        foreach (var ending in endings)
        {
            name = name.EndsWith(ending, StringComparison.Ordinal) ? name[..^ending.Length] : name;
        }

        // -2024-08-06
        return name.Length > 11 && name[^11] == '-' && name[^6] == '-' && name[^3] == '-' && CountDigits(name.AsSpan(name.Length - 10)) == 8 ? name[..^11] : name;
    }

    private static string FirstLine(string text)
    {
        var start = 0;
        while (start < text.Length && char.IsWhiteSpace(text[start]))
        {
            start++;
        }

        var end = text.AsSpan(start).IndexOfAny('\r', '\n');
        end = end < 0 ? text.Length : start + end;
        return text[start..Math.Min(end, start + LengthMax)];
    }

    /// <summary>The error in a result that is JSON: its words are under a key, and not the quoted strings that they look like.</summary>
    private static string? FromJson(string message, int depth)
    {
        const int DepthMax = 5;
        const int JsonMax = 1 << 20;
        var start = message.AsSpan().TrimStart();
        if (depth > DepthMax || start.IsEmpty || start[0] is not ('{' or '[' or '"') || message.Length > JsonMax)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(message);
            var parts = new List<string>();
            Collect(json.RootElement, parts, depth);
            return parts.Count > 0 ? string.Join(" | ", parts) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null; // no JSON: it is read as it stands
        }
    }

    private static void Collect(JsonElement element, List<string> parts, int depth)
    {
        const int DepthMax = 5;
        const int PartsMax = 4;
        if (depth > DepthMax || parts.Count >= PartsMax)
        {
            return;
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var key in ErrorKeys)
                {
                    if (element.TryGetProperty(key, out var value))
                    {
                        Collect(value, parts, depth + 1);
                    }
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray().Take(PartsMax))
                {
                    Collect(item, parts, depth + 1);
                }

                break;
            case JsonValueKind.String when element.GetString() is { Length: > 0 } text:
                parts.Add(FirstLine(FromJson(text, depth + 1) ?? text));
                break;
            case JsonValueKind.Number:
                parts.Add("status " + element.GetRawText());
                break;
        }
    }

    /// <summary>The texts among the arguments, the longest first.</summary>
    private static List<string> ValuesIn(string arguments)
    {
        const int ValueMin = 3;
        const int ValueMax = 200;
        var values = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        try
        {
            using var json = JsonDocument.Parse(arguments);
            Add(json.RootElement, 0);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return []; // no JSON: nothing says where its values begin
        }

        return [.. values.OrderByDescending(value => value.Length).ThenBy(value => value, StringComparer.Ordinal)];

        void Add(JsonElement element, int depth)
        {
            if (depth > 16 || values.Count >= ArgumentsMax)
            {
                return;
            }

            switch (element.ValueKind)
            {
                case JsonValueKind.Object:
                    foreach (var property in element.EnumerateObject())
                    {
                        Add(property.Value, depth + 1);
                    }

                    break;
                case JsonValueKind.Array:
                    foreach (var item in element.EnumerateArray())
                    {
                        Add(item, depth + 1);
                    }

                    break;
                case JsonValueKind.String when element.GetString() is { Length: <= ValueMax } text && text.Trim().Length >= (Ascii.IsValid(text) ? ValueMin : 2):
                    values.Add(text.Trim());
                    break;
            }
        }
    }

    private static string ReplaceWhole(string text, string value)
    {
        var from = 0;
        while (from < text.Length && text.IndexOf(value, from, StringComparison.OrdinalIgnoreCase) is >= 0 and var at)
        {
            var end = at + value.Length;
            var isWhole = (at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end]));
            if (isWhole)
            {
                text = string.Concat(text.AsSpan(0, at), "<arg>", text.AsSpan(end));
                from = at + 5;
            }
            else
            {
                from = end;
            }
        }

        return text;
    }

    private static int Next(string text, int i, StringBuilder template)
    {
        var c = text[i];
        if (c == '<' && text.AsSpan(i).StartsWith("<arg>"))
        {
            template.Append("<arg>");
            return i + 5;
        }

        // What redaction put there: [email], [email:5f2a90c1d3e4].
        if (c == '[' && PlaceholderEnd(text, i, out var name) is > 0 and var placeholder)
        {
            template.Append('<').Append(name).Append('>');
            return placeholder;
        }

        if (c is '"' or '\'' or '`' or '\u201c' or '\u2018' && QuoteEnd(text, i) is > 0 and var quote)
        {
            template.Append("<str>");
            return quote;
        }

        if (IsUuid(text, i))
        {
            template.Append("<id>");
            return i + 36;
        }

        if (char.IsAsciiLetter(c) && UrlEnd(text, i) is > 0 and var url)
        {
            template.Append("<url>");
            return url;
        }

        if (PathEnd(text, i) is > 0 and var path)
        {
            template.Append("<path>");
            return path;
        }

        if (char.IsDigit(c) || (c is '-' or '+' && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1]) && (i == 0 || !char.IsLetterOrDigit(text[i - 1]))))
        {
            return Number(text, i, template);
        }

        if (char.IsLetterOrDigit(c) || c == '_')
        {
            return Word(text, i, template);
        }

        template.Append(char.IsWhiteSpace(c) || char.IsControl(c) ? ' ' : c);
        return i + 1;
    }

    private static int PlaceholderEnd(string text, int i, out string name)
    {
        const int PlaceholderMax = 40;
        name = "";
        var end = text.AsSpan(i, Math.Min(PlaceholderMax, text.Length - i)).IndexOf(']');
        if (end < 2)
        {
            return 0;
        }

        var inside = text.AsSpan(i + 1, end - 1);
        var colon = inside.IndexOf(':');
        inside = colon < 0 ? inside : inside[..colon];
        if (inside.ContainsAnyExcept(PlaceholderName))
        {
            return 0;
        }

        name = inside.ToString();
        return Redact.Redactor.IsPlaceholder(Encoding.UTF8.GetBytes(text.Substring(i, end + 1))) ? i + end + 1 : 0;
    }

    // Where a quotation may begin and end is next to no letter: an apostrophe stands between two.
    private static int QuoteEnd(string text, int i)
    {
        var close = text[i] switch { '\u201c' => '\u201d', '\u2018' => '\u2019', var same => same };
        if (i > 0 && char.IsLetterOrDigit(text[i - 1]))
        {
            return 0;
        }

        for (var end = i + 1; end < text.Length; end++)
        {
            if (text[end] == '\\')
            {
                end++;
            }
            else if (text[end] == close && (end + 1 == text.Length || !char.IsLetterOrDigit(text[end + 1])))
            {
                return end + 1;
            }
        }

        return 0;
    }

    private static int UrlEnd(string text, int i)
    {
        const int SchemeMax = 12;
        var colon = i;
        while (colon < text.Length && colon - i <= SchemeMax && (char.IsAsciiLetterOrDigit(text[colon]) || text[colon] is '+' or '-' or '.'))
        {
            colon++;
        }

        if (!text.AsSpan(colon).StartsWith("://"))
        {
            return 0;
        }

        var end = colon + 3;
        while (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] is not ('"' or '\'' or '>' or '<' or ')' or ']' or '}' or ','))
        {
            end++;
        }

        return text[end - 1] is '.' or ':' or ';' ? end - 1 : end;
    }

    // /a/b, ./a/b, ~/a, C:\a: two segments at least, or a drive.
    private static int PathEnd(string text, int i)
    {
        if (i > 0 && (char.IsLetterOrDigit(text[i - 1]) || text[i - 1] is '/' or '>'))
        {
            return 0;
        }

        var isDrive = i + 2 < text.Length && char.IsAsciiLetter(text[i]) && text[i + 1] == ':' && text[i + 2] is '\\' or '/';
        var rooted = text[i] is '/' or '~' or '.' ? i : -1;
        if (!isDrive && rooted < 0)
        {
            return 0;
        }

        var (end, separators) = (i, 0);
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] is '/' or '\\' or '.' or '_' or '-' or '~' or '@' or '%' or '+' || (end == i + 1 && isDrive)))
        {
            separators += text[end] is '/' or '\\' ? 1 : 0;
            end++;
        }

        end = text[end - 1] == '.' ? end - 1 : end;
        return isDrive || (separators >= 2 && end - i > 3) || (separators == 1 && text[i] is '~' or '.' && end - i > 3) ? end : 0;
    }

    private static int Number(string text, int i, StringBuilder template)
    {
        // A word that begins with a digit is a word: 3f9a1c0b.
        var end = i + (char.IsDigit(text[i]) ? 0 : 1);
        while (end < text.Length && char.IsLetterOrDigit(text[end]))
        {
            end++;
        }

        var word = text.AsSpan(i, end - i).TrimStart("+-");
        if (IsId(word))
        {
            template.Append("<id>");
            return end;
        }

        // 400, 429, 503: which answer a server gave is what failed, no accident.
        if (word.Length == 3 && word[0] is '4' or '5' && CountDigits(word) == 3 && SaysStatus(text, i))
        {
            template.Append(word);
            return end;
        }

        // Numbers, dates, times, versions, addresses: digits and what joins them.
        end = i + (char.IsDigit(text[i]) ? 0 : 1);
        while (end < text.Length && (char.IsDigit(text[end]) || (text[end] is '.' or ',' or ':' or '-' or '/' or 'T' or 'x' && end + 1 < text.Length && char.IsDigit(text[end + 1]))))
        {
            end++;
        }

        template.Append("<n>");
        return end;
    }

    private static bool SaysStatus(string text, int i)
    {
        const int Back = 24;
        var before = text.AsSpan(Math.Max(0, i - Back), Math.Min(i, Back));
        return i == 0
            || before.Contains("status", StringComparison.OrdinalIgnoreCase)
            || before.Contains("code", StringComparison.OrdinalIgnoreCase)
            || before.Contains("http", StringComparison.OrdinalIgnoreCase)
            || before.Contains("error", StringComparison.OrdinalIgnoreCase)
            || before.Contains("response", StringComparison.OrdinalIgnoreCase);
    }

    private static int Word(string text, int i, StringBuilder template)
    {
        var end = i;
        while (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '_'))
        {
            end++;
        }

        var word = text.AsSpan(i, end - i);
        var underscore = word.LastIndexOf('_');

        // org_9f2kx…, chatcmpl-…: what the id is of stays.
        if (underscore > 0 && IsId(word[(underscore + 1)..]))
        {
            AppendWord(word[..(underscore + 1)], template);
            template.Append("<id>");
        }
        else if (IsId(word))
        {
            template.Append("<id>");
        }
        else
        {
            AppendWord(word, template);
        }

        return end;
    }

    private static void AppendWord(ReadOnlySpan<char> word, StringBuilder template)
    {
        var isDigit = false;
        foreach (var c in word)
        {
            if (char.IsDigit(c))
            {
                template.Append(isDigit ? "" : "<n>");
                isDigit = true;
            }
            else
            {
                template.Append(char.ToLowerInvariant(c));
                isDigit = false;
            }
        }
    }

    /// <summary>Letters and digits in turn, or upper and lower case: nobody's word.</summary>
    private static bool IsId(ReadOnlySpan<char> word)
    {
        const int LengthMin = 6;
        if (word.Length < LengthMin)
        {
            return false;
        }

        if (word.Length > 2 && word[0] == '0' && word[1] is 'x' or 'X')
        {
            return true;
        }

        var (changes, caseChanges, digits) = (0, 0, 0);
        for (var i = 0; i < word.Length; i++)
        {
            digits += char.IsDigit(word[i]) ? 1 : 0;
            if (i > 0)
            {
                changes += char.IsDigit(word[i]) != char.IsDigit(word[i - 1]) ? 1 : 0;
                caseChanges += char.IsUpper(word[i]) && char.IsLower(word[i - 1]) ? 1 : 0;
            }
        }

        return digits < word.Length && (changes >= 2
            || (digits > 0 && word.Length >= 8 && (IsHex(word) || changes >= 1 && digits * 4 >= word.Length))
            || (word.Length >= 16 && caseChanges * 100 >= word.Length * 18));
    }

    private static bool IsHex(ReadOnlySpan<char> word)
    {
        foreach (var c in word)
        {
            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsUuid(string text, int i)
    {
        if (i + 36 > text.Length || text[i + 8] != '-' || text[i + 13] != '-' || text[i + 18] != '-' || text[i + 23] != '-')
        {
            return false;
        }

        for (var at = i; at < i + 36; at++)
        {
            if (text[at] != '-' && !char.IsAsciiHexDigit(text[at]))
            {
                return false;
            }
        }

        return true;
    }

    private static int CountDigits(ReadOnlySpan<char> word)
    {
        var count = 0;
        foreach (var c in word)
        {
            count += char.IsDigit(c) ? 1 : 0;
        }

        return count;
    }

    /// <summary>One space for many, and one of a row of equal words: a list of three ids is a list of two.</summary>
    private static string Collapse(string template)
    {
        var words = template.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var kept = new List<string>();
        foreach (var word in words)
        {
            var isRepeated = kept.Count > 0 && word.Contains('<', StringComparison.Ordinal) && word.TrimEnd(',', ';') == kept[^1].TrimEnd(',', ';');
            if (!isRepeated)
            {
                kept.Add(word);
            }
            else
            {
                kept[^1] = word;
            }
        }

        return string.Join(' ', kept);
    }
}
