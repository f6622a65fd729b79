using OtlpTap.Verdicts;

namespace OtlpTap.Feedback;

/// <summary>What an id was seen with before.</summary>
internal enum FeedbackNovelty : byte
{
    New,

    /// <summary>The same again: sent twice.</summary>
    Repeated,

    /// <summary>Another opinion, or the same in other words.</summary>
    Changed,
}

/// <summary>
/// The feedback of late, by its id: what comes twice counts once, and what comes in other words takes the place of the first.
/// Ids and contents are kept as hashes of 128 bits. Not thread-safe; the oldest is forgotten first.
/// </summary>
internal sealed class RecentFeedback(TimeProvider time)
{
    /// <summary>Of some 200 bytes each.</summary>
    public const int CountMax = 32_768;

    /// <summary>Who tries again does so within hours; a changed mind of the next day is a new opinion.</summary>
    public static readonly TimeSpan IdWindow = TimeSpan.FromHours(24);

    /// <summary>Without an id, what is word for word the same is the same click or its retry for so long, and then a new one.</summary>
    public static readonly TimeSpan ContentWindow = TimeSpan.FromMinutes(10);

    private readonly Dictionary<UInt128, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byAge = [];

    /// <summary>Ids that made room for others within their time.</summary>
    public long Forgotten { get; private set; }

    /// <param name="before">Of <see cref="FeedbackNovelty.Changed"/>: what it said before.</param>
    public FeedbackNovelty Look(UInt128 id, UInt128 content, OpinionValue value, TimeSpan window, out OpinionValue before)
    {
        var now = time.GetTimestamp();
        before = value;
        var novelty = FeedbackNovelty.New;
        if (_entries.Remove(id, out var node))
        {
            _byAge.Remove(node);
            var known = node.Value;
            before = known.Value;
            novelty = time.GetElapsedTime(known.At, now) >= known.Window ? FeedbackNovelty.New
                : known.Content == content ? FeedbackNovelty.Repeated
                : FeedbackNovelty.Changed;
            if (novelty == FeedbackNovelty.Repeated)
            {
                now = known.At; // its time does not begin anew with each retry
            }
        }
        else if (_entries.Count >= CountMax)
        {
            var oldest = _byAge.First!.Value;
            Forgotten += time.GetElapsedTime(oldest.At, now) < oldest.Window ? 1 : 0;
            _entries.Remove(oldest.Id);
            _byAge.RemoveFirst();
        }

        _entries.Add(id, _byAge.AddLast(new Entry(id, content, value, now, window)));
        return novelty;
    }

    private readonly record struct Entry(UInt128 Id, UInt128 Content, OpinionValue Value, long At, TimeSpan Window);
}
