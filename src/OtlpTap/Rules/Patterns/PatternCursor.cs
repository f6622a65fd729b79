using System.Text;

namespace OtlpTap.Rules.Patterns;

/// <summary>Where in a pattern the parsers are, and the first thing that was wrong with it.</summary>
internal sealed class PatternCursor(string pattern)
{
    private readonly Rune[] _runes = [.. pattern.EnumerateRunes()];

    public int At { get; set; }

    public int Length => _runes.Length;

    public bool AtEnd => At == _runes.Length;

    /// <summary>Null while nothing is wrong.</summary>
    public string? Problem { get; private set; }

    public int this[int at] => _runes[at].Value;

    public int Peek() => _runes[At].Value;

    /// <summary>-1 behind the end.</summary>
    public int PeekAt(int offset) => At + offset < _runes.Length ? _runes[At + offset].Value : -1;

    public int Take() => _runes[At++].Value;

    public bool Accept(char expected)
    {
        if (AtEnd || Peek() != expected)
        {
            return false;
        }

        At++;
        return true;
    }

    public string Text(int start, int end) => string.Concat(_runes[start..end].Select(rune => rune.ToString()));

    public void Fail(string problem) => Problem ??= $"The pattern \"{pattern}\" is not valid: {problem}.";
}
