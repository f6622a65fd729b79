using OtlpTap.Metrics;

namespace OtlpTap.Forward.Spool;

/// <summary>A record as the reader gives it out: where it is, not what it says.</summary>
internal readonly record struct SpooledRecord(SpoolSegment Segment, long Offset, RecordHeader Header)
{
    public long End => Offset + Header.RecordLength;
}

/// <summary>
/// Goes through the durable records, oldest first, and forgets them when told: by the cursor within a segment, and by
/// deleting a segment of which nothing is left. For one thread at a time.
/// </summary>
internal sealed class SpoolReader(string exporter, string directory, ISpoolFiles files, SegmentList segments, SpoolCursor cursor, SpoolMetrics metrics, TimeProvider time, ILogger log)
{
    private readonly LineBound _failureLines = new(time);
    private readonly List<SpoolSegment> _finished = [];
    private SpoolSegment? _segment;
    private ulong _lastNumber;
    private long _offset;
    private SpoolPosition? _delivered;
    private ulong _damagedLogged;

    /// <summary>The next durable record; false when there is none now.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public bool TryReadNext(out SpooledRecord record)
    {
        record = default;
        while (TryEnterSegment(out var segment))
        {
            // Before its length is looked at: when it is sealed, the length is final.
            var isSealed = segment.IsSealed;
            var found = segment.TryFind(_offset, out var at, out var header);
            if (at > _offset)
            {
                Damaged(segment, _offset);
            }

            _offset = at;
            if (found)
            {
                _offset += header.RecordLength;
                segment.RecordsOut++;
                record = new SpooledRecord(segment, at, header);
                return true;
            }

            if (!isSealed)
            {
                return false;
            }

            LeaveSegment(segment);
        }

        return false;
    }

    /// <summary>A record that was given out is delivered or discarded. In the order in which they were given out.</summary>
    public void Remove(in SpooledRecord record)
    {
        var segment = record.Segment;
        segment.RecordsOut--;
        segments.RecordRemoved(segment);
        _delivered = new SpoolPosition(segment.Marker, record.End);
        FinishWhenDone(segment);
    }

    /// <summary>Tells the disk what was removed. What is not told, or not synced, is delivered again after a crash.</summary>
    public void Flush()
    {
        if (_delivered is not { } delivered || delivered == cursor.Last)
        {
            return;
        }

        try
        {
            cursor.Write(delivered);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            FileFailed("cursor", exception);
        }
    }

    /// <summary>What stands there is no record, or its body is not what was written: the segment is kept aside when the rest is delivered.</summary>
    public void Damaged(SpoolSegment segment, long offset)
    {
        metrics.Discarded(SpoolDiscard.Corrupt, 0);
        MarkDamaged(segment, offset);
    }

    public void MarkDamaged(SpoolSegment segment, long offset)
    {
        if (_damagedLogged != segment.Number)
        {
            _damagedLogged = segment.Number;
            log.Corrupt(exporter, segment.Path, offset);
        }

        segment.IsDamaged = true;
    }

    /// <summary>Gives up the rest of the segment that is being read; it is kept aside.</summary>
    public void SkipSegment()
    {
        if (_segment is { IsSealed: true } segment)
        {
            Damaged(segment, _offset);
            LeaveSegment(segment);
        }
    }

    /// <summary>Deletes, or puts aside, what could not be before.</summary>
    public void RetryFiles()
    {
        for (var i = _finished.Count - 1; i >= 0; i--)
        {
            if (TryFinish(_finished[i]))
            {
                _finished.RemoveAt(i);
            }
        }
    }

    private bool TryEnterSegment(out SpoolSegment segment)
    {
        if (_segment is null && segments.After(_lastNumber) is { } next)
        {
            _segment = next;
            _lastNumber = next.Number;
            _offset = next.StartOffset;
            if (next.IsDamaged)
            {
                Damaged(next, 0);
            }
        }

        segment = _segment!;
        if (_segment is null)
        {
            return false;
        }

        segment.File ??= files.Open(segment.Path);
        return true;
    }

    private void LeaveSegment(SpoolSegment segment)
    {
        _segment = null;
        segment.IsReadToEnd = true;
        FinishWhenDone(segment);
    }

    private void FinishWhenDone(SpoolSegment segment)
    {
        if (segment is { IsReadToEnd: true, RecordsOut: 0 } && !TryFinish(segment))
        {
            _finished.Add(segment);
        }
    }

    private bool TryFinish(SpoolSegment segment)
    {
        try
        {
            if (segment.IsDamaged)
            {
                files.Rename(segment.Path, segment.Path + SpoolSegment.AsideExtension);
            }
            else
            {
                files.Delete(segment.Path);
            }

            segments.Remove(segment, isAside: segment.IsDamaged);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            FileFailed(segment.Path, exception);
            return false;
        }

        try
        {
            files.SyncDirectory(directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            FileFailed(directory, exception); // after a power cut it may be there again, and is delivered again
        }

        return true;
    }

    public void FileFailed(string path, Exception exception)
    {
        metrics.DiskFailed();
        if (_failureLines.TryTake(out var further))
        {
            log.FileFailed(exporter, path, exception.Message, further);
        }
    }
}
