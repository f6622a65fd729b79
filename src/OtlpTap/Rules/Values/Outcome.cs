namespace OtlpTap.Rules.Values;

/// <summary>What a condition, or a part of one, comes to.</summary>
internal enum Outcome : byte
{
    False,
    True,

    /// <summary>OTTL calls it an error: a prefix of what is no string, an index into what is no list.</summary>
    Error,
}
