namespace OtlpTap.Rules.Patterns;

/// <summary>A regular expression, read. Groups and greediness only count where it is asked what matched, and not whether.</summary>
internal abstract record PatternNode
{
    public static readonly PatternNode Empty = new SequenceNode([]);
}

internal sealed record RunesNode(RuneSet Runes) : PatternNode;

internal sealed record SequenceNode(IReadOnlyList<PatternNode> Parts) : PatternNode;

internal sealed record ChoiceNode(IReadOnlyList<PatternNode> Choices) : PatternNode;

/// <param name="Max">-1: no end.</param>
internal sealed record RepeatNode(PatternNode Inner, int Min, int Max, bool IsLazy = false) : PatternNode;

/// <summary>A group whose text can be asked for.</summary>
/// <param name="Name">Empty for one that has none.</param>
internal sealed record GroupNode(PatternNode Inner, int Number, string Name) : PatternNode;

internal sealed record PlaceNode(Place Place) : PatternNode;

/// <summary>What holds between two characters.</summary>
internal enum Place : byte
{
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}
