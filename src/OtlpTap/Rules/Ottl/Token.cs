namespace OtlpTap.Rules.Ottl;

internal enum TokenKind : byte
{
    End,
    Bytes,
    Float,
    Int,
    String,
    Nil,
    Not,
    Or,
    And,
    Comparison,
    PlusMinus,
    TimesDivide,
    Boolean,
    Equal,
    LeftParenthesis,
    RightParenthesis,
    LeftBrace,
    RightBrace,
    Colon,
    Comma,
    Dot,
    LeftBracket,
    RightBracket,
    Uppercase,
    Lowercase,
}

internal readonly record struct Token(TokenKind Kind, int Start, int Length)
{
    public ReadOnlySpan<char> In(string text) => text.AsSpan(Start, Length);
}
