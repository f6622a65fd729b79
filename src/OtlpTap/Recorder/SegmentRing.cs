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
    private readonly Action<Segment> _evicting;

    // Everything below is guarded by the gate.
    private readonly Lock _gate = new();
    private readonly Segment?[] _slots; // by sequence modulo length
    private readonly Stack<Segment> _spares = new(SparesMax);
    private long _first;
    private long _next;
    private bool _disposed;

    /// <param name="evicting">Told of each segment that is overwritten, under the ring's lock.</param>
    public SegmentRing(RecorderOptions options, Action<Segment> evicting)
    {
        _segmentBytes = options.SegmentBytes;
        _requestBytesMax = options.SizeBytesMax;
        _evicting = evicting;

        // The largest request may lie half evicted (its start gone, its rest still in place) beside everything else.
        var largest = Math.Min(options.RequestBytesMax, options.SizeBytesMax);
        MemoryBytesMax = options.SizeBytesMax + (options.SizeBytesMax / 4) + largest + (2L * options.SegmentBytes);
        _slots = new Segment?[(MemoryBytesMax + options.SegmentBytes - 1) / options.SegmentBytes];
    }

    /// <summary>The most memory that the ring's segments ever take.</summary>
    public long MemoryBytesMax { get; }

    /// <summary>Memory of the segments in the ring.</summary>
    public long MemoryBytes
    {
        get
        {
            lock (_gate)
            {
                return (_next - _first) * _segmentBytes;
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

    /// <summary>Adds a segment at the young end, evicting what is no longer needed. For the writer.</summary>
    /// <param name="requestBytes">Bytes of findable requests in the ring.</param>
    public Segment Open(long requestBytes, long oldestUnixNano)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            while (_next > _first && MayEvict(_slots[_first % _slots.Length]!, requestBytes, oldestUnixNano, out var evictedBytes))
            {
                requestBytes -= evictedBytes;
                EvictOldest();
            }

            Debug.Assert(_next - _first < _slots.Length, "A full ring has a sealed oldest segment.");
            var segment = _spares.TryPop(out var spare) ? spare : new Segment(_segmentBytes);
            segment.Reuse(_next);
            _slots[_next % _slots.Length] = segment;
            _next++;
            return segment;
        }
    }

    /// <summary>Evicts the sealed segments whose newest request is older than this, and gives their memory back.</summary>
    public void EvictOlderThan(long oldestUnixNano)
    {
        lock (_gate)
        {
            while (_next > _first && _slots[_first % _slots.Length] is { IsSealed: true } oldest && oldest.NewestUnixNano < oldestUnixNano)
            {
                EvictOldest();
            }

            while (_spares.TryPop(out var spare))
            {
                spare.Dispose();
            }
        }
    }

    /// <summary>Null when the segment was evicted. Otherwise its bytes stay as they are until <see cref="Unpin"/>.</summary>
    public Segment? TryPin(long sequence)
    {
        lock (_gate)
        {
            if (_disposed || sequence < _first || sequence >= _next)
            {
                return null;
            }

            var segment = _slots[sequence % _slots.Length]!;
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
                var oldest = _slots[sequence % _slots.Length]!.OldestUnixNano;
                if (oldest != 0)
                {
                    return oldest;
                }
            }

            return 0;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            while (_next > _first)
            {
                EvictOldest();
            }

            while (_spares.TryPop(out var spare))
            {
                spare.Dispose();
            }
        }
    }

    private bool MayEvict(Segment oldest, long requestBytes, long oldestUnixNano, out long evictedBytes)
    {
        evictedBytes = oldest.RequestBytes;
        return oldest.IsSealed
            && (requestBytes - evictedBytes >= _requestBytesMax
                || oldest.NewestUnixNano < oldestUnixNano
                || _next - _first == _slots.Length);
    }

    private void EvictOldest()
    {
        ref var slot = ref _slots[_first % _slots.Length];
        var segment = slot!;
        slot = null;
        _first++;
        segment.IsEvicted = true;
        _evicting(segment);
        if (segment.Readers == 0)
        {
            Retire(segment);
        }
    }

    private void Retire(Segment segment)
    {
        if (_disposed || _spares.Count >= SparesMax)
        {
            segment.Dispose();
        }
        else
        {
            _spares.Push(segment);
        }
    }
}
