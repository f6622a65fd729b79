namespace OtlpTap.Rules.Patterns;

/// <summary>How often something is repeated: <c>{2,3}</c>, and Go's bound on it.</summary>
internal static class RepeatCounts
{
    /// <summary>On a count, alone and multiplied through nested repeats.</summary>
    public const int RepeatMax = 1000;

    /// <summary>Moves behind <c>{2}</c>, <c>{2,}</c> or <c>{2,3}</c>; anything else is a brace to be taken literally.</summary>
    public static bool TryRead(PatternCursor cursor, out int min, out int max)
    {
        var start = cursor.At;
        cursor.At++;
        max = 0;
        if (TryCount(cursor, out min))
        {
            max = min;
            if (cursor.Accept(','))
            {
                max = -1;
                if (!cursor.AtEnd && cursor.Peek() != '}' && !TryCount(cursor, out max))
                {
                    cursor.At = start;
                    return false;
                }
            }

            if (cursor.Accept('}'))
            {
                return true;
            }
        }

        cursor.At = start;
        return false;
    }

    /// <summary>Whether no count is beyond the bound, counts within counts multiplied.</summary>
    public static bool AreWithinBound(PatternNode node) => IsValid(node, RepeatMax);

    private static bool IsValid(PatternNode node, int left) => node switch
    {
        RepeatNode repeat => RepeatedIsValid(repeat, left),
        SequenceNode sequence => sequence.Parts.All(part => IsValid(part, left)),
        ChoiceNode choice => choice.Choices.All(part => IsValid(part, left)),
        GroupNode group => IsValid(group.Inner, left),
        _ => true,
    };

    private static bool RepeatedIsValid(RepeatNode repeat, int left)
    {
        // The operators * + ? are no counts and cost nothing.
        if (repeat is { Min: 0, Max: 1 or -1 } or { Min: 1, Max: -1 })
        {
            return IsValid(repeat.Inner, left);
        }

        var count = repeat.Max < 0 ? repeat.Min : repeat.Max;
        return count == 0 || (count <= left && IsValid(repeat.Inner, left / count));
    }

    private static bool TryCount(PatternCursor cursor, out int count)
    {
        var start = cursor.At;
        count = 0;
        while (!cursor.AtEnd && cursor.Peek() is >= '0' and <= '9')
        {
            count = Math.Min((count * 10) + (cursor.Peek() - '0'), RepeatMax + 1);
            cursor.At++;
        }

        var length = cursor.At - start;
        return length == 1 || (length > 1 && cursor[start] != '0');
    }
}
