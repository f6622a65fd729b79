namespace OtlpTap.Rules;

/// <summary>The slots of the attributes of one kind of message.</summary>
internal readonly record struct SlotRange(int Start, int Count);
