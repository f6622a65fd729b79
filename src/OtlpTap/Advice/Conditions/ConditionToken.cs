namespace OtlpTap.Advice.Conditions;

internal enum TokenKind : byte
{
    End,
    Name,
    Number,
    Percentage,
    Duration,
    Comparison,
    Times,
    And,
    Or,
    Not,
    Open,
    Close,

    /// <summary>Starts no token.</summary>
    Unknown,
}

/// <param name="Number">Of what is written as one; a percentage as a ratio, a duration in seconds.</param>
internal readonly record struct ConditionToken(TokenKind Kind, int Start, int Length, double Number = 0);
