namespace OtlpTap.Rules.Ottl;

/// <summary>What is wrong with a condition, and where.</summary>
/// <param name="Position">Index into the condition's text.</param>
/// <param name="Supported">False when the condition is right as OTTL, and only this tap cannot evaluate it in a rule.</param>
internal readonly record struct OttlProblem(int Position, string Message, bool Supported = true)
{
    /// <summary>Line and column as editors count them: from 1, a code point is one column.</summary>
    public (int Line, int Column) LineAndColumn(string text)
    {
        var line = 1;
        var column = 1;
        for (var i = 0; i < Position && i < text.Length; i++)
        {
            if (text[i] == '\n')
            {
                line++;
                column = 1;
            }
            else if (!char.IsLowSurrogate(text[i]))
            {
                column++;
            }
        }

        return (line, column);
    }
}
