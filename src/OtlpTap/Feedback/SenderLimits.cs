using System.IO.Hashing;
using System.Runtime.InteropServices;
using OtlpTap.Otlp;

namespace OtlpTap.Feedback;

/// <summary>
/// How many opinions each sender may still post: a bucket for each that fills evenly within a minute. Who has anything left
/// may post one request, whatever is in it; what that costs beyond is a debt. Thread-safe; the sender that was quiet longest is
/// forgotten first.
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

    /// <summary>Takes one. False: not before <paramref name="retryAfter"/>.</summary>
    public bool TryTake(string sender, int perMinute, out TimeSpan retryAfter)
    {
        lock (_gate)
        {
            var bucket = Touch(sender, perMinute);
            if (bucket.Left >= 1)
            {
                bucket.Left--;
                retryAfter = default;
                return true;
            }

            retryAfter = TimeSpan.FromMinutes((1 - bucket.Left) / perMinute);
            return false;
        }
    }

    /// <summary>What a request had beside the one that was taken for it.</summary>
    public void Charge(string sender, int count, int perMinute)
    {
        lock (_gate)
        {
            Touch(sender, perMinute).Left -= count;
        }
    }

    private Bucket Touch(string sender, int perMinute)
    {
        var now = time.GetTimestamp();
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

            node = new LinkedListNode<Bucket>(new Bucket(mark) { Left = perMinute, At = now });
            _buckets.Add(mark, node);
        }

        _byAge.AddLast(node);
        var bucket = node.Value;
        bucket.Left = Math.Min(perMinute, bucket.Left + (time.GetElapsedTime(bucket.At, now).TotalMinutes * perMinute));
        bucket.At = now;
        return bucket;
    }

    private sealed class Bucket(ulong mark)
    {
        public ulong Mark { get; } = mark;

        /// <summary>Below zero: a debt.</summary>
        public double Left { get; set; }

        public long At { get; set; }
    }
}
