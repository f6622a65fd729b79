using System.IO.Hashing;
using System.Runtime.InteropServices;
using OtlpTap.Otlp;

namespace OtlpTap.Feedback;

/// <summary>Who has posted what they may.</summary>
internal enum FeedbackLimit
{
    None,

    /// <summary>This sender.</summary>
    Sender,

    /// <summary>All senders together.</summary>
    Everyone,
}

/// <summary>
/// How many opinions each sender may still post, and all of them together: a bucket for each that fills evenly within a minute.
/// Who has anything left may post one request, whatever is in it; what that costs beyond is a debt. Thread-safe; the sender that
/// was quiet longest is forgotten first.
/// </summary>
internal sealed class SenderLimits(TimeProvider time)
{
    public const int SendersMax = 4096;

    // Of the sender's name: nobody can choose names that share a bucket.
    private readonly long _seed = (long)(ulong)RandomKey.Create();

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LinkedListNode<Bucket>> _buckets = [];

    // The one that was quiet longest is first.
    private readonly LinkedList<Bucket> _byAge = [];

    // More than any bucket holds: it is full when it is first looked at.
    private readonly Bucket _everyone = new(0) { Left = double.MaxValue, At = time.GetTimestamp() };

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _buckets.Count;
            }
        }
    }

    /// <summary>Takes one of the sender's and of everyone's, or none: not before <paramref name="retryAfter"/>.</summary>
    public FeedbackLimit Take(string sender, int perMinute, int totalPerMinute, out TimeSpan retryAfter)
    {
        lock (_gate)
        {
            var own = Touch(sender, perMinute);
            if (own.Left < 1)
            {
                retryAfter = TimeSpan.FromMinutes((1 - own.Left) / perMinute);
                return FeedbackLimit.Sender;
            }

            Fill(_everyone, totalPerMinute);
            if (_everyone.Left < 1)
            {
                retryAfter = TimeSpan.FromMinutes((1 - _everyone.Left) / totalPerMinute);
                return FeedbackLimit.Everyone;
            }

            own.Left--;
            _everyone.Left--;
            retryAfter = default;
            return FeedbackLimit.None;
        }
    }

    /// <summary>What a request had beside the one that was taken for it.</summary>
    public void Charge(string sender, int count, int perMinute)
    {
        lock (_gate)
        {
            Touch(sender, perMinute).Left -= count;
            _everyone.Left -= count;
        }
    }

    private Bucket Touch(string sender, int perMinute)
    {
        var mark = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(sender.AsSpan()), _seed);
        if (_buckets.TryGetValue(mark, out var node))
        {
            _byAge.Remove(node);
        }
        else
        {
            if (_buckets.Count >= SendersMax)
            {
                _buckets.Remove(_byAge.First!.Value.Mark);
                _byAge.RemoveFirst();
            }

            node = new LinkedListNode<Bucket>(new Bucket(mark) { Left = perMinute, At = time.GetTimestamp() });
            _buckets.Add(mark, node);
        }

        _byAge.AddLast(node);
        Fill(node.Value, perMinute);
        return node.Value;
    }

    private void Fill(Bucket bucket, int perMinute)
    {
        var now = time.GetTimestamp();
        bucket.Left = Math.Min(perMinute, bucket.Left + (time.GetElapsedTime(bucket.At, now).TotalMinutes * perMinute));
        bucket.At = now;
    }

    private sealed class Bucket(ulong mark)
    {
        public ulong Mark { get; } = mark;

        /// <summary>Below zero: a debt.</summary>
        public double Left { get; set; }

        public long At { get; set; }
    }
}
