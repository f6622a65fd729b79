namespace OtlpTap.Advice;

/// <summary>One look at all policies, and what came of it.</summary>
/// <param name="number">Another for each.</param>
/// <param name="now">Since the engine began; never goes back.</param>
/// <param name="at">By the clock.</param>
/// <param name="room">How many more pieces of advice may be given.</param>
internal sealed class Round(long number, TimeSpan now, DateTimeOffset at, int room)
{
    private readonly List<AdviceChange> _changes = [];
    private int _room = room;

    public long Number => number;

    public TimeSpan Now => now;

    public DateTimeOffset At => at;

    public bool MayRaise => _room > 0;

    public IReadOnlyList<AdviceChange> Changes => _changes;

    /// <summary>Advice for which there was no room.</summary>
    public int RefusedCount { get; private set; }

    public void Raised(AdviceItem item)
    {
        _room--;
        _changes.Add(new AdviceChange(AdviceChangeKind.Raised, item, at, item.Reason));
    }

    public void Withdrawn(AdviceItem item, string why)
    {
        _room++;
        _changes.Add(new AdviceChange(AdviceChangeKind.Withdrawn, item, at, why));
    }

    public void Refused() => RefusedCount++;
}
