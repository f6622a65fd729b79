namespace OtlpTap.Feedback;

/// <summary>Feedback whose trace, response or session has not come yet. Bounded: the oldest makes room. Not thread-safe.</summary>
internal sealed class WaitingFeedback
{
    public const int CountMax = 4096;
    public const long BytesMax = 4 << 20;

    private readonly List<(PendingFeedback Pending, long DueAt)> _waiting = [];
    private long _bytes;

    public int Count => _waiting.Count;

    /// <summary>How many made room.</summary>
    public int Add(PendingFeedback pending, long dueAt)
    {
        _waiting.Add((pending, dueAt));
        _bytes += pending.Item.Size;
        var gone = 0;
        while (_waiting.Count - gone > CountMax || (_bytes > BytesMax && _waiting.Count - gone > 1))
        {
            _bytes -= _waiting[gone++].Pending.Item.Size;
        }

        _waiting.RemoveRange(0, gone);
        return gone;
    }

    /// <summary>True when it was there.</summary>
    public bool Remove(UInt128 mark) => RemoveAll((pending, _) => pending.Mark == mark) > 0;

    public int RemoveAll(Func<PendingFeedback, long, bool> isGone) => _waiting.RemoveAll(waiting =>
    {
        var gone = isGone(waiting.Pending, waiting.DueAt);
        _bytes -= gone ? waiting.Pending.Item.Size : 0;
        return gone;
    });
}
