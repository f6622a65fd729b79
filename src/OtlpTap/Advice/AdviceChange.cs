namespace OtlpTap.Advice;

internal enum AdviceChangeKind : byte
{
    Raised,
    Withdrawn,
}

/// <param name="Item">As it was given; of a withdrawal with the last values.</param>
/// <param name="Why">Of a raising the item's reason; of a withdrawal what ended it.</param>
internal sealed record AdviceChange(AdviceChangeKind Kind, AdviceItem Item, DateTimeOffset At, string Why);
