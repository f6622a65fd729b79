using System.Collections.Frozen;

namespace OtlpTap.Runs.Content;

/// <summary>
/// A table that finds a word however it is written: <c>tool_calls</c>, <c>tool-calls</c>, <c>ToolCalls</c> and
/// <c>TOOL CALLS</c> are one.
/// </summary>
internal sealed class FoldedWords<T>
{
    private const int LengthMax = 64;
    private readonly FrozenDictionary<string, T>.AlternateLookup<ReadOnlySpan<char>> _words;

    public FoldedWords(params ReadOnlySpan<(string Words, T Value)> rows)
    {
        var words = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var (names, value) in rows)
        {
            foreach (var name in names.Split(' '))
            {
                words.Add(name, value);
            }
        }

        _words = words.ToFrozenDictionary(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public bool TryFind(ReadOnlySpan<char> text, out T value)
    {
        Span<char> folded = stackalloc char[LengthMax];
        var length = 0;
        foreach (var character in text)
        {
            if (character is '-' or '_' or ' ')
            {
                continue;
            }

            if (length == LengthMax)
            {
                break;
            }

            folded[length++] = char.ToLowerInvariant(character);
        }

        return _words.TryGetValue(folded[..length], out value!);
    }
}
