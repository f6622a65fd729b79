namespace OtlpTap.Health.Windows;

/// <summary>
/// The last hour of one scope: the last five minutes in buckets of ten seconds, and the hour in buckets of two minutes,
/// which take in a bucket of ten seconds when the next one begins.
/// <para>
/// A window is its whole number of buckets, the one under way among them: 1 m is six of ten seconds and covers the last 50
/// to 60 seconds, 5 m thirty and covers 4:50 to 5:00, 1 h thirty of two minutes and covers 58 to 60 minutes. So it never
/// holds what is older than it says.
/// </para>
/// </summary>
internal sealed class Series(HealthScope scope, long id, long now)
{
    public const int BucketSeconds = 10;

    /// <summary>The most buckets that a window has.</summary>
    public const int WindowLengthMax = RingLength + 1;

    private const int RingLength = 30;
    private const int FineInCoarse = 12;
    private const int MinuteLength = 6;

    // The rings, the node in the list by use, the entry in the table; names are shared.
    private const int ObjectBytes = 768;

    private readonly Bucket?[] _fine = new Bucket?[RingLength];
    private readonly Bucket?[] _coarse = new Bucket?[RingLength];
    private Bucket? _current;

    public HealthScope Scope => scope;

    /// <summary>Never another's, be it of the same scope.</summary>
    public long Id => id;

    /// <summary>Of a tool or a model.</summary>
    public bool IsOfCalls { get; } = scope.Tool.Length + scope.Model.Length > 0;

    public bool IsOfAgent { get; } = scope.Agent.Length > 0;

    /// <summary>Those to count for with this one: itself first, and the levels above it.</summary>
    public Series[] Levels
    {
        get;
        set => (field, Runners) = (value, [.. value.Where(level => !level.IsOfCalls)]);
    } = [];

    /// <summary>Those of its levels that run something: agent, service, all.</summary>
    public Series[] Runners { get; private set; } = [];

    /// <summary>In the list by use.</summary>
    public LinkedListNode<Series> Node { get; set; } = null!; // set when it is added, before anybody sees it

    public long Bytes { get; private set; } = ObjectBytes;

    /// <summary>Number of the bucket of ten seconds in which it, or one below it, was last heard of: what is noted is not in a bucket yet.</summary>
    public long LastNumber { get; set; } = now;

    /// <summary>The same of when its place in the list by use was last made new.</summary>
    public long HeardOf { get; set; } = -1;

    /// <summary>It has not made room for others.</summary>
    public bool IsListed => Node.List is not null;

    /// <summary>What is to be added to it and its levels; see <see cref="SeriesTable.Noted"/>.</summary>
    public Bucket? Noted { get; set; }

    public bool IsEmptyAt(long now) => (now / FineInCoarse) - (LastNumber / FineInCoarse) >= RingLength;

    /// <summary>The bucket of the moment; what it grows by is to be told by <see cref="Grown"/>.</summary>
    /// <param name="grown">Plus the bytes of a new bucket, minus those of one that made room.</param>
    public Bucket At(long now, ref long grown)
    {
        if (_current is null || _current.Number != now)
        {
            var before = Bytes;
            Turn(now);
            grown += Bytes - before;
        }

        return _current!;
    }

    public void Grown(long bytes) => Bytes += bytes;

    /// <summary>It has made room for others: whoever still holds it must not hold what it has counted.</summary>
    public void Clear()
    {
        Array.Clear(_fine);
        Array.Clear(_coarse);
        (_current, Bytes) = (null, ObjectBytes);
    }

    /// <returns>By how much it grew.</returns>
    public long Add(Bucket noted)
    {
        var grown = 0L;
        using (var change = new BucketChange(this, noted.Number, ref grown))
        {
            noted.AddTo(change.Bucket);
        }

        return grown;
    }

    /// <summary>The buckets of a window, newest or not.</summary>
    public Span<Bucket?> Window(HealthWindow window, long now, Span<Bucket?> buckets)
    {
        var count = 0;
        if (window == HealthWindow.Hour)
        {
            count = Collect(_coarse, now / FineInCoarse, RingLength, buckets);
            if (_current is { } current && (now / FineInCoarse) - (current.Number / FineInCoarse) < RingLength)
            {
                buckets[count++] = current;
            }
        }
        else
        {
            count = Collect(_fine, now, window == HealthWindow.Minute ? MinuteLength : RingLength, buckets);
        }

        return buckets[..count];
    }

    private static int Collect(Bucket?[] ring, long now, int length, Span<Bucket?> buckets)
    {
        var count = 0;
        for (var back = 0; back < length; back++)
        {
            if (now >= back && ring[(now - back) % RingLength] is { } bucket && bucket.Number == now - back)
            {
                buckets[count++] = bucket;
            }
        }

        return count;
    }

    private void Turn(long now)
    {
        if (_current is { } over)
        {
            var number = over.Number / FineInCoarse;
            ref var coarse = ref _coarse[number % RingLength];
            if (coarse is null || coarse.Number != number)
            {
                Bytes -= coarse?.Bytes ?? 0;
                coarse = new Bucket(number);
                Bytes += coarse.Bytes;
            }

            Bytes -= coarse.Bytes;
            over.AddTo(coarse);
            Bytes += coarse.Bytes;
        }

        ref var place = ref _fine[now % RingLength];
        Bytes -= place?.Bytes ?? 0;
        place = _current = new Bucket(now);
        Bytes += place.Bytes;
    }
}
