namespace OtlpTap.Rules.Ottl;

/// <summary>
/// Cuts a condition into tokens. The rules and their order are those of the reference lexer (the first that fits wins,
/// so <c>1==1and</c> is four tokens and a name such as <c>IsMatch</c> is several):
/// <code>
///   bytes 0x[0-9a-fA-F]+   float \d+\.\d* | \d*\.\d+, with exponent   int \d+   string "..."   nil not or and
///   == != >= &lt;= > &lt;   + -   * /   true false   =   ( ) { } : , . [ ]   [A-Z][A-Z0-9_]*   [a-z][a-z0-9_]*
/// </code>
/// Source: github.com/open-telemetry/opentelemetry-collector-contrib, pkg/ottl/grammar.go.
/// </summary>
internal static class Lexer
{
    /// <summary>Null, and a problem, when some character starts no token. The last token is <see cref="TokenKind.End"/>.</summary>
    public static List<Token>? Tokenize(string text, out OttlProblem problem)
    {
        var tokens = new List<Token>();
        var at = 0;
        while (true)
        {
            while (at < text.Length && text[at] is ' ' or '\t' or '\n' or '\f' or '\r')
            {
                at++;
            }

            if (at == text.Length)
            {
                tokens.Add(new Token(TokenKind.End, at, 0));
                problem = default;
                return tokens;
            }

            var (kind, length) = Next(text.AsSpan(at));
            if (length == 0)
            {
                problem = new OttlProblem(at, text[at] == '"' ? "This string has no end." : $"'{text[at]}' has no meaning in OTTL{Hint(text.AsSpan(at))}.");
                return null;
            }

            tokens.Add(new Token(kind, at, length));
            at += length;
        }
    }

    private static string Hint(ReadOnlySpan<char> rest) => rest switch
    {
        ['&', '&', ..] => ": write and",
        ['|', '|', ..] => ": write or",
        ['!', ..] => ": write not, or != between two values",
        ['\'' or '`', ..] => ": strings stand in double quotes",
        _ => "",
    };

    private static (TokenKind Kind, int Length) Next(ReadOnlySpan<char> text)
    {
        var first = text[0];
        if (char.IsAsciiDigit(first) || first == '.')
        {
            var number = Number(text);
            return number.Length > 0 ? number : (TokenKind.Dot, 1);
        }

        switch (first)
        {
            case '"':
                return (TokenKind.String, StringLength(text));
            case '=' or '!' or '<' or '>':
                return text.Length > 1 && text[1] == '=' ? (TokenKind.Comparison, 2)
                    : first == '=' ? (TokenKind.Equal, 1)
                    : (TokenKind.Comparison, first == '!' ? 0 : 1);
            case '+' or '-':
                return (TokenKind.PlusMinus, 1);
            case '*' or '/':
                return (TokenKind.TimesDivide, 1);
            case '(':
                return (TokenKind.LeftParenthesis, 1);
            case ')':
                return (TokenKind.RightParenthesis, 1);
            case '{':
                return (TokenKind.LeftBrace, 1);
            case '}':
                return (TokenKind.RightBrace, 1);
            case ':':
                return (TokenKind.Colon, 1);
            case ',':
                return (TokenKind.Comma, 1);
            case '[':
                return (TokenKind.LeftBracket, 1);
            case ']':
                return (TokenKind.RightBracket, 1);
        }

        return Word(text);
    }

    private static (TokenKind Kind, int Length) Word(ReadOnlySpan<char> text)
    {
        if (char.IsAsciiLetterUpper(text[0]))
        {
            var upper = 1;
            while (upper < text.Length && (char.IsAsciiLetterUpper(text[upper]) || char.IsAsciiDigit(text[upper]) || text[upper] == '_'))
            {
                upper++;
            }

            return (TokenKind.Uppercase, upper);
        }

        if (!char.IsAsciiLetterLower(text[0]))
        {
            return (TokenKind.End, 0);
        }

        var length = 1;
        while (length < text.Length && (char.IsAsciiLetterLower(text[length]) || char.IsAsciiDigit(text[length]) || text[length] == '_'))
        {
            length++;
        }

        // A keyword ends at a word boundary, and an upper-case letter is none.
        var isWhole = length == text.Length || !char.IsAsciiLetterUpper(text[length]);
        return (isWhole ? text[..length] : "") switch
        {
            "nil" => (TokenKind.Nil, length),
            "not" => (TokenKind.Not, length),
            "or" => (TokenKind.Or, length),
            "and" => (TokenKind.And, length),
            "true" or "false" => (TokenKind.Boolean, length),
            _ => (TokenKind.Lowercase, length),
        };
    }

    private static (TokenKind Kind, int Length) Number(ReadOnlySpan<char> text)
    {
        if (text is ['0', 'x', var hex, ..] && char.IsAsciiHexDigit(hex))
        {
            var end = 3;
            while (end < text.Length && char.IsAsciiHexDigit(text[end]))
            {
                end++;
            }

            return (TokenKind.Bytes, end);
        }

        var whole = Digits(text, 0);
        if (whole == text.Length || text[whole] != '.')
        {
            return (TokenKind.Int, whole);
        }

        var fraction = Digits(text, whole + 1);
        if (whole == 0 && fraction == 1)
        {
            return (TokenKind.Dot, 0);
        }

        return (TokenKind.Float, ExponentEnd(text, fraction));
    }

    private static int ExponentEnd(ReadOnlySpan<char> text, int at)
    {
        if (at == text.Length || text[at] is not ('e' or 'E'))
        {
            return at;
        }

        var digits = at + 1 < text.Length && text[at + 1] is '+' or '-' ? at + 2 : at + 1;
        var end = Digits(text, digits);
        return end > digits ? end : at;
    }

    private static int Digits(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        return at;
    }

    private static int StringLength(ReadOnlySpan<char> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '"':
                    return i + 1;
                case '\\' when i + 1 == text.Length || text[i + 1] == '\n':
                    return 0;
                case '\\':
                    i++;
                    break;
            }
        }

        return 0;
    }
}
