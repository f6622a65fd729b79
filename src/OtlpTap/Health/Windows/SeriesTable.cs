namespace OtlpTap.Health.Windows;

/// <summary>
/// All of whom health is known, bounded in number and bytes: the one longest not heard of makes room. Levels above are
/// heard of whenever one below is, so that they never go before it. Not thread-safe.
/// <para>
/// What counts alike for a scope and all levels above it is noted once (<see cref="Noted"/>) and added to each when somebody
/// asks, when the bucket is over, or when many have such notes: calls come far more often than questions.
/// </para>
/// </summary>
internal sealed class SeriesTable(int seriesMax, long bytesMax)
{
    /// <summary>So many may have notes: some 4 KiB each at most.</summary>
    private const int NotedMax = 256;

    private readonly Dictionary<HealthScope, LinkedListNode<Series>> _byScope = [];
    private readonly LinkedList<Series> _byUse = new();
    private readonly List<Series> _noted = [];
    private long _lastId;

    public int Count => _byScope.Count;

    public long Bytes { get; private set; }

    /// <summary>How many made room for others.</summary>
    public long Evicted { get; private set; }

    public IEnumerable<Series> All => _byUse;

    public Series? Find(in HealthScope scope) => _byScope.TryGetValue(scope, out var node) ? node.Value : null;

    /// <summary>A scope and those above it, the narrowest first; each is there, and heard of, now.</summary>
    public Series[] Levels(in HealthScope scope, long now) => Heard(_byScope.TryGetValue(scope, out var node) ? node.Value : Add(scope, now).Value, now).Levels;

    /// <summary>It and those above it are heard of now. It is in the table.</summary>
    public Series Heard(Series series, long now)
    {
        if (series.HeardOf != now || IsHalfFull)
        {
            series.HeardOf = now;
            Touch(series.Levels, now);
        }

        return series;
    }

    /// <summary>Where to note what counts for a series and those above it alike; then <see cref="Grown"/>.</summary>
    public Bucket Noted(Series series, long now)
    {
        if (series.Noted is not { } noted)
        {
            // Nobody makes room yet: it may be this series, which is about to be counted for.
            if (_noted.Count == NotedMax)
            {
                Bytes += TakeNotes();
            }

            series.Noted = noted = new Bucket(now);
            _noted.Add(series);
        }

        return noted;
    }

    /// <summary>Adds what was noted to all that it is of. Before anything is read, and before the bucket of the moment is another.</summary>
    public void AddNotes()
    {
        if (_noted.Count > 0)
        {
            Grown(TakeNotes());
        }
    }

    /// <summary>After something was added to levels.</summary>
    public void Grown(long bytes)
    {
        Bytes += bytes;
        while (Bytes > bytesMax && _byScope.Count > 1)
        {
            EvictOldest();
        }
    }

    /// <summary>Forgets whoever was not heard of in an hour: nothing is known of them any more.</summary>
    public void Expire(long now)
    {
        while (_byUse.First is { } oldest && oldest.Value.IsEmptyAt(now))
        {
            Remove(oldest);
        }
    }

    private LinkedListNode<Series> Add(in HealthScope scope, long now)
    {
        Expire(now);
        var levels = new List<Series>();
        foreach (var level in HealthLevels.Of(scope))
        {
            if (!_byScope.TryGetValue(level, out var node))
            {
                node = new LinkedListNode<Series>(new Series(level, ++_lastId, now));
                node.Value.Node = node;
                _byScope.Add(level, node);
                _byUse.AddLast(node);
                Bytes += node.Value.Bytes;
            }

            levels.Add(node.Value);
        }

        var added = levels[0];
        added.Levels = [.. levels];
        foreach (var level in levels.Where(level => level.Levels.Length == 0))
        {
            level.Levels = [.. HealthLevels.Of(level.Scope).Select(above => _byScope[above].Value)];
        }

        Touch(added.Levels, now);

        // The levels of one scope are always few enough to be there together.
        while (_byScope.Count > seriesMax)
        {
            EvictOldest();
        }

        return added.Node;
    }

    // Once for each bucket of ten seconds is often enough while nobody is about to make room.
    private bool IsHalfFull => _byScope.Count > seriesMax / 2 || Bytes > bytesMax / 2;

    // From the narrowest to the widest, so that the widest is the last to go.
    private void Touch(Series[] levels, long now)
    {
        foreach (var level in levels)
        {
            level.LastNumber = now;
            _byUse.Remove(level.Node);
            _byUse.AddLast(level.Node);
        }
    }

    private long TakeNotes()
    {
        var grown = 0L;
        foreach (var series in _noted)
        {
            AddNotes(series, ref grown);
        }

        _noted.Clear();
        return grown;
    }

    private static void AddNotes(Series series, ref long grown)
    {
        // Who made room meanwhile has nothing any more.
        if (series.Noted is not { } noted)
        {
            return;
        }

        series.Noted = null;
        foreach (var level in series.Levels)
        {
            grown += level.IsListed ? level.Add(noted) : 0;
        }
    }

    private void EvictOldest()
    {
        Remove(_byUse.First!);
        Evicted++;
    }

    private void Remove(LinkedListNode<Series> node)
    {
        // Those above it keep what it was told.
        var grown = 0L;
        AddNotes(node.Value, ref grown);
        Bytes += grown;
        _byUse.Remove(node);
        _byScope.Remove(node.Value.Scope);
        Bytes -= node.Value.Bytes;
        node.Value.Clear();
    }
}
