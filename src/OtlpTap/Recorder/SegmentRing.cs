using System.Diagnostics;

namespace OtlpTap.Recorder;

/// <summary>
/// The segments in order of age: one writer adds at the young end, the oldest is evicted at the other, readers pin one
/// at a time. The lock is held for a few assignments only, by the writer once for each segment, by readers twice.
/// <para>
/// What is held: the oldest segment goes only when the requests in the younger ones alone reach the limit, so at least
/// that many bytes of requests can be found. What that takes in memory: headers, index and unused ends beside the
/// requests (under 1 % for requests of 64 KiB, also with 50 traces in each), and at most one segment more than needed.
/// Requests under 100 bytes, or of more than a trace for each 32 bytes, cost more than that: they are bounded
/// by <see cref="MemoryBytesMax"/>, a quarter over the limit, and then less than the limit of such requests is held.
/// A pinned segment that is evicted lives until its reader is done: one for each reader.
/// </para>
/// </summary>
internal sealed class SegmentRing : IDisposable
{
    // Evicted segments kept for reuse. The writer needs one at a time; more would only hold memory.
    private const int SparesMax = 2;

    private readonly int _segmentBytes;
    private readonly long _requestBytesMax;
    private readonly long _anonymousBytesMax;
    private readonly TraceHash _hash;
    private readonly SegmentFiles? _files;
    private readonly Action<Segment> _evicting;

    // Everything below is guarded by the gate.
    private readonly Lock _gate = new();
    private readonly Segment?[] _slots; // by sequence modulo length; null where a restart did not find one
    private readonly Stack<Segment> _spares = new(SparesMax);
    private long _first;
    private long _next;
    private int _held;
    private int _anonymous;
    private bool _disposed;

    /// <param name="files">Where segments are kept; null for anonymous memory.</param>
    /// <param name="evicting">Told of each segment that is overwritten, under the ring's lock.</param>
    public SegmentRing(RecorderOptions options, in TraceHash hash, SegmentFiles? files, Action<Segment> evicting)
    {
        _segmentBytes = options.SegmentBytes;
        _requestBytesMax = options.SizeBytesMax;
        _anonymousBytesMax = Math.Min(options.SizeBytesMax, options.AnonymousBytesMax);
        _hash = hash;
        _files = files;
        _evicting = evicting;

        MemoryBytesMax = MemoryBytesMaxFor(options);
        _slots = new Segment?[SlotsFor(options)];
        Sieve = new SegmentSieve(_slots.Length, options.SegmentBytes);
    }

    /// <summary>Tells by a trace's hash which segments need not be pinned.</summary>
    public SegmentSieve Sieve { get; }

    /// <summary>The most memory, or disk, that the ring's segments ever take.</summary>
    public long MemoryBytesMax { get; }

    /// <summary>How many segments there are at most.</summary>
    public static int SlotsFor(RecorderOptions options) =>
        (int)((MemoryBytesMaxFor(options) + options.SegmentBytes - 1) / options.SegmentBytes);

    /// <summary>Memory of the segments in the ring, and of those how much is in files.</summary>
    public (long Bytes, long FileBytes) Memory
    {
        get
        {
            lock (_gate)
            {
                return ((long)_held * _segmentBytes, (long)(_held - _anonymous) * _segmentBytes);
            }
        }
    }

    /// <summary>Sequences of the segments that are there: from <c>First</c> to before <c>Next</c>.</summary>
    public (long First, long Next) Range
    {
        get
        {
            lock (_gate)
            {
                return (_first, _next);
            }
        }
    }

    /// <summary>Puts in what an earlier process left. Before anything else.</summary>
    /// <param name="segments">By sequence, which spans no more than <see cref="SlotsFor"/>.</param>
    public void Restore(IReadOnlyList<Segment> segments)
    {
        lock (_gate)
        {
            _first = segments[0].Sequence;
            _next = segments[^1].Sequence + 1;
            foreach (var segment in segments)
            {
                _slots[segment.Sequence % _slots.Length] = segment;
                segment.AddTo(Sieve);
            }

            _held = segments.Count;
        }
    }

    /// <summary>Adds a segment at the young end, evicting what is no longer needed. For the writer.</summary>
    /// <param name="requestBytes">Bytes of findable requests in the ring.</param>
    /// <param name="continued">Bytes of a record begun earlier that it will begin with.</param>
    public Segment Open(long requestBytes, long oldestUnixNano, int continued)
    {
        Segment? segment;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            while (_next > _first && MayEvict(requestBytes, oldestUnixNano, out var evictedBytes))
            {
                requestBytes -= evictedBytes;
                EvictOldest();
            }

            _spares.TryPop(out segment);
        }

        // Making a file takes a few milliseconds, for which no reader waits.
        if (segment?.Path is null && _files?.TryCreate() is { } file)
        {
            segment?.Dispose();
            segment = file;
        }

        segment ??= MayBeAnonymous() ? Anonymous() : TakeOldest() ?? Anonymous();
        lock (_gate)
        {
            Debug.Assert(_next - _first < _slots.Length, "A full ring has a sealed oldest segment.");
            segment.Reuse(_next, continued, _hash);
            Sieve.Clear(_next);
            _slots[_next % _slots.Length] = segment;
            _next++;
            _held++;
            _anonymous += segment.Path is null ? 1 : 0;
            return segment;
        }
    }

    /// <summary>Evicts the sealed segments whose newest request is older than this, and gives their memory back.</summary>
    public void EvictOlderThan(long oldestUnixNano)
    {
        lock (_gate)
        {
            while (_next > _first && _slots[_first % _slots.Length] is var oldest && (oldest is null || (oldest.IsSealed && oldest.NewestUnixNano < oldestUnixNano)))
            {
                EvictOldest();
            }

            DiscardSpares();
        }
    }

    /// <summary>Null when the segment was evicted. Otherwise its bytes stay as they are until <see cref="Unpin"/>.</summary>
    public Segment? TryPin(long sequence)
    {
        lock (_gate)
        {
            if (_disposed || sequence < _first || sequence >= _next || _slots[sequence % _slots.Length] is not { } segment)
            {
                return null;
            }

            segment.Readers++;
            return segment;
        }
    }

    public void Unpin(Segment segment)
    {
        lock (_gate)
        {
            segment.Readers--;
            if (segment is { Readers: 0, IsEvicted: true })
            {
                Retire(segment);
            }
        }
    }

    /// <summary>The receive time of the oldest record, 0 when there is none.</summary>
    public long OldestUnixNano()
    {
        lock (_gate)
        {
            for (var sequence = _first; sequence < _next; sequence++)
            {
                if (_slots[sequence % _slots.Length] is { OldestUnixNano: not 0 and var oldest })
                {
                    return oldest;
                }
            }

            return 0;
        }
    }

    /// <summary>Gives all memory back; what is in files stays there.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            for (; _next > _first; _first++)
            {
                ref var slot = ref _slots[_first % _slots.Length];
                if (slot is { } segment)
                {
                    segment.IsEvicted = true;
                    if (segment.Readers == 0)
                    {
                        segment.Dispose();
                    }
                }

                slot = null;
            }

            DiscardSpares();
        }
    }

    // The largest request may lie half evicted (its start gone, its rest still in place) beside everything else.
    private static long MemoryBytesMaxFor(RecorderOptions options) =>
        options.SizeBytesMax + (options.SizeBytesMax / 4) + Math.Min(options.RequestBytesMax, options.SizeBytesMax) + (2L * options.SegmentBytes);

    private Segment Anonymous() => new(new SegmentMemory(_segmentBytes));

    // Where no file can be had: as much memory as the default ring takes, and no more, however large the ring on disk is.
    private bool MayBeAnonymous()
    {
        lock (_gate)
        {
            return _files is null || (long)_anonymous * _segmentBytes < _anonymousBytesMax;
        }
    }

    private Segment? TakeOldest()
    {
        lock (_gate)
        {
            while (_next > _first && _slots[_first % _slots.Length] is null or { IsSealed: true })
            {
                EvictOldest();
                if (_spares.TryPop(out var spare))
                {
                    return spare;
                }
            }

            return null;
        }
    }

    private bool MayEvict(long requestBytes, long oldestUnixNano, out long evictedBytes)
    {
        var oldest = _slots[_first % _slots.Length];
        evictedBytes = oldest?.RequestBytes ?? 0;
        return oldest is null
            || (oldest.IsSealed
                && (requestBytes - evictedBytes >= _requestBytesMax
                    || oldest.NewestUnixNano < oldestUnixNano
                    || _next - _first == _slots.Length));
    }

    private void EvictOldest()
    {
        ref var slot = ref _slots[_first % _slots.Length];
        var segment = slot;
        slot = null;
        _first++;
        if (segment is null)
        {
            return;
        }

        _held--;
        _anonymous -= segment.Path is null ? 1 : 0;
        segment.Forget();
        _evicting(segment);
        if (segment.Readers == 0)
        {
            Retire(segment);
        }
    }

    private void Retire(Segment segment)
    {
        if (_disposed)
        {
            segment.Dispose();
        }
        else if (segment.IsRecovered || _spares.Count >= SparesMax)
        {
            Discard(segment);
        }
        else
        {
            _spares.Push(segment);
        }
    }

    private void DiscardSpares()
    {
        while (_spares.TryPop(out var spare))
        {
            Discard(spare);
        }
    }

    private void Discard(Segment segment)
    {
        segment.Dispose();
        if (segment.Path is { } path)
        {
            _files!.Delete(path);
        }
    }
}
