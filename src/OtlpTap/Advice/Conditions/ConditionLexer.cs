using System.Globalization;

namespace OtlpTap.Advice.Conditions;

/// <summary>
/// Cuts a condition into tokens:
/// <code>
///   name   [A-Za-z_][A-Za-z0-9_.-]*, but and, or, not        number   \d+(\.\d+)?, with a minus before it
///   ratio  number %                                          duration number ns|us|ms|s|m|h
///   &gt; &gt;= &lt; &lt;= == !=   *   ( )
/// </code>
/// </summary>
internal static class ConditionLexer
{
    public static ConditionToken Next(string text, int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at]))
        {
            at++;
        }

        if (at == text.Length)
        {
            return new ConditionToken(TokenKind.End, at, 0);
        }

        return text[at] switch
        {
            '(' => new ConditionToken(TokenKind.Open, at, 1),
            ')' => new ConditionToken(TokenKind.Close, at, 1),
            '*' => new ConditionToken(TokenKind.Times, at, 1),
            '<' or '>' => new ConditionToken(TokenKind.Comparison, at, IsAt(text, at + 1, '=') ? 2 : 1),
            '=' or '!' when IsAt(text, at + 1, '=') => new ConditionToken(TokenKind.Comparison, at, 2),
            '-' or '.' or (>= '0' and <= '9') => Number(text, at),
            '_' or (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') => Word(text, at),
            _ => new ConditionToken(TokenKind.Unknown, at, 1),
        };
    }

    private static ConditionToken Word(string text, int start)
    {
        var end = start;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '.' or '-'))
        {
            end++;
        }

        var kind = text.AsSpan(start, end - start) switch
        {
            "and" => TokenKind.And,
            "or" => TokenKind.Or,
            "not" => TokenKind.Not,
            _ => TokenKind.Name,
        };
        return new ConditionToken(kind, start, end - start);
    }

    private static ConditionToken Number(string text, int start)
    {
        var digits = text[start] == '-' ? start + 1 : start;
        var end = digits;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
        {
            end++;
        }

        var unitEnd = end;
        while (unitEnd < text.Length && (char.IsAsciiLetterOrDigit(text[unitEnd]) || text[unitEnd] is '%' or '_'))
        {
            unitEnd++;
        }

        // A point at an end is a slip, not a number.
        if (end == digits || text[digits] == '.' || text[end - 1] == '.'
            || !double.TryParse(text.AsSpan(start, end - start), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return new ConditionToken(TokenKind.Unknown, start, Math.Max(1, unitEnd - start));
        }

        var (kind, scale) = Scale(text.AsSpan(end, unitEnd - end));
        return new ConditionToken(kind, start, unitEnd - start, number * scale);
    }

    private static (TokenKind Kind, double Scale) Scale(ReadOnlySpan<char> unit) => unit switch
    {
        "" => (TokenKind.Number, 1),
        "%" => (TokenKind.Percentage, 0.01),
        "ns" => (TokenKind.Duration, 1e-9),
        "us" => (TokenKind.Duration, 1e-6),
        "ms" => (TokenKind.Duration, 1e-3),
        "s" => (TokenKind.Duration, 1),
        "m" => (TokenKind.Duration, 60),
        "h" => (TokenKind.Duration, 3600),
        _ => (TokenKind.Unknown, 0),
    };

    private static bool IsAt(string text, int at, char character) => at < text.Length && text[at] == character;
}
