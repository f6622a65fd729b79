namespace OtlpTap.Runs;

/// <summary>Calls that wait for something of theirs, by what it is known by: the first that was asked is the first that gets it.</summary>
internal sealed class CallQueues<TKey, TCall>(IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
    where TCall : class
{
    private readonly Dictionary<TKey, Queue<TCall>> _queues = new(comparer);

    /// <summary>Whether a call was ever added by this key.</summary>
    public bool Knows(TKey key) => _queues.ContainsKey(key);

    public void Add(TKey key, TCall call)
    {
        if (!_queues.TryGetValue(key, out var queue))
        {
            _queues.Add(key, queue = new Queue<TCall>());
        }

        queue.Enqueue(call);
    }

    /// <summary>The next that still waits; those before it are not asked for again. Null: there is none.</summary>
    public TCall? Take(TKey key, Func<TCall, bool> isWaiting)
    {
        while (_queues.TryGetValue(key, out var queue) && queue.TryDequeue(out var call))
        {
            if (isWaiting(call))
            {
                return call;
            }
        }

        return null;
    }
}
