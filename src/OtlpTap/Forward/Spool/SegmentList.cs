namespace OtlpTap.Forward.Spool;

/// <summary>The segments, oldest first, and what they take on disk. Shared by the writer, which adds, and the reader, which removes.</summary>
internal sealed class SegmentList(long bytesMax) : IDisposable
{
    private readonly Lock _lock = new();

    // All under the lock.
    private readonly List<SpoolSegment> _segments = [];
    private long _bytes;
    private long _reservedBytes;
    private long _records;
    private ulong _lastNumber;
    private bool _isFull;

    public long BytesMax => bytesMax;

    /// <summary>Segments, and files kept aside.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
            {
                return _bytes;
            }
        }
    }

    /// <summary>The last request found no room, and none has become free since.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock)
            {
                return _isFull;
            }
        }
    }

    /// <summary>Durable and not removed; of what an earlier run left, as far as it was looked through.</summary>
    public long Records => Interlocked.Read(ref _records);

    /// <summary>Room for a record that is to be appended; to be settled by <see cref="Committed"/> or <see cref="Unreserve"/>.</summary>
    public bool TryReserve(long bytes)
    {
        lock (_lock)
        {
            _isFull = _bytes + _reservedBytes + bytes + SegmentHeader.Length > bytesMax;
            _reservedBytes += _isFull ? 0 : bytes;
            return !_isFull;
        }
    }

    public void Unreserve(long bytes)
    {
        lock (_lock)
        {
            _reservedBytes -= bytes;
        }
    }

    /// <summary>Records of so many reserved bytes are durable at the end of <paramref name="segment"/>.</summary>
    public void Committed(SpoolSegment segment, long bytes, int records)
    {
        lock (_lock)
        {
            _reservedBytes -= bytes;
            _bytes += bytes;
            segment.FileLength += bytes;
            segment.RecordsLeft += records;
            Interlocked.Add(ref _records, records);
        }

        segment.ReadableLength += bytes;
    }

    /// <summary>A number that no file of the directory has, nor had as long as one later than it is there.</summary>
    public ulong NextNumber()
    {
        lock (_lock)
        {
            return ++_lastNumber;
        }
    }

    public void NumberSeen(ulong number)
    {
        lock (_lock)
        {
            _lastNumber = Math.Max(_lastNumber, number);
        }
    }

    public void Add(SpoolSegment segment)
    {
        NumberSeen(segment.Number);
        lock (_lock)
        {
            _segments.Add(segment);
            _bytes += segment.FileLength;
            Interlocked.Add(ref _records, segment.RecordsLeft);
        }
    }

    /// <summary>A file that takes room and is not read.</summary>
    public void AddAside(long bytes)
    {
        lock (_lock)
        {
            _bytes += bytes;
        }
    }

    /// <summary>The oldest segment with a number above <paramref name="number"/>.</summary>
    public SpoolSegment? After(ulong number)
    {
        lock (_lock)
        {
            return _segments.Find(segment => segment.Number > number);
        }
    }

    public void RecordRemoved(SpoolSegment segment)
    {
        lock (_lock)
        {
            // Of a file that could not be looked through more may come than were counted.
            if (segment.RecordsLeft > 0)
            {
                segment.RecordsLeft--;
                Interlocked.Decrement(ref _records);
            }
        }
    }

    /// <summary>What an earlier run left in <paramref name="segment"/> was looked through: so much of it is to be delivered.</summary>
    public void Recovered(SpoolSegment segment, int records, long length)
    {
        lock (_lock)
        {
            _bytes += length - segment.FileLength;
            segment.FileLength = length;
            segment.RecordsLeft = records;
            Interlocked.Add(ref _records, records);
        }

        segment.ReadableLength = length;
        segment.IsRecovered = true;
    }

    /// <summary>Nothing of it is to be delivered any more, and its file is gone, or kept aside where it still counts.</summary>
    public void Remove(SpoolSegment segment, bool isAside)
    {
        lock (_lock)
        {
            _segments.Remove(segment);
            _isFull = false;
            _bytes -= isAside ? 0 : segment.FileLength;
            Interlocked.Add(ref _records, -segment.RecordsLeft);
        }

        segment.Dispose();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var segment in _segments)
            {
                segment.Dispose();
            }
        }
    }
}
