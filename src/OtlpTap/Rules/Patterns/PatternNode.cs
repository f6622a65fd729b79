namespace OtlpTap.Rules.Patterns;

/// <summary>A regular expression, read. Groups and greediness are gone: only whether there is a match is ever asked.</summary>
internal abstract record PatternNode
{
    public static readonly PatternNode Empty = new SequenceNode([]);
}

internal sealed record RunesNode(RuneSet Runes) : PatternNode;

internal sealed record SequenceNode(IReadOnlyList<PatternNode> Parts) : PatternNode;

internal sealed record ChoiceNode(IReadOnlyList<PatternNode> Choices) : PatternNode;

/// <param name="Max">-1: no end.</param>
internal sealed record RepeatNode(PatternNode Inner, int Min, int Max) : PatternNode;

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
