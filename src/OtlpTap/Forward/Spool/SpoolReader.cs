using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>A record as the reader gives it out: where it is, not what it says.</summary>
internal readonly record struct SpooledRecord(SpoolSegment Segment, long Offset, RecordHeader Header)
{
    public long End => Offset + Header.RecordLength;

    /// <summary>The older one first.</summary>
    public static int Compare(in SpooledRecord a, in SpooledRecord b) =>
        a.Segment.Number.CompareTo(b.Segment.Number) is not 0 and var bySegment ? bySegment : a.Offset.CompareTo(b.Offset);
}

/// <summary>
/// Goes through the durable records, oldest first, and forgets them when told: by the cursor within a segment, and by
/// deleting a segment of which nothing is left. For one thread at a time.
/// </summary>
internal sealed class SpoolReader(string exporter, string directory, ISpoolFiles files, SegmentList segments, SpoolCursor cursor, SpoolMetrics metrics, TimeProvider time, ILogger log)
{
    private readonly LineBound _failureLines = new(time);
    private readonly List<SpoolSegment> _finished = [];
    private readonly SortedSet<SpooledRecord> _passed = new(Comparer<SpooledRecord>.Create(static (a, b) => SpooledRecord.Compare(a, b)));
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

    /// <summary>A record that was given out is delivered or discarded. In the order in which they were given out, but for those passed.</summary>
    public void Remove(in SpooledRecord record)
    {
        _delivered = new SpoolPosition(record.Segment.Marker, record.End);
        Removed(record);
    }

    /// <summary>A record is left where it is, and those given out behind it are removed first. In the same order as removals.</summary>
    public void Pass(in SpooledRecord record)
    {
        _delivered = new SpoolPosition(record.Segment.Marker, record.End);
        _passed.Add(record);
    }

    /// <summary>A record that was passed is delivered or discarded, in any order.</summary>
    public void RemovePassed(in SpooledRecord record)
    {
        _passed.Remove(record);
        Removed(record);
    }

    /// <summary>
    /// Tells the disk up to where everything was removed. What is not told, or not synced, is delivered again after a crash;
    /// so is what was removed behind a record that was passed, and shares a segment with one.
    /// </summary>
    public void Flush()
    {
        var removed = _passed.Count > 0 ? new SpoolPosition(_passed.Min.Segment.Marker, _passed.Min.Offset) : _delivered;
        if (removed is not { } delivered || delivered == cursor.Last)
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

    /// <summary>
    /// Reads a record that was given out; the payload's one reference is then the caller's. The file of a segment that is
    /// read to its end is open only for this: records may stay in many.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public RecordBody ReadBody(in SpooledRecord record, PayloadPool pool, out Payload? payload, out RequestMetadata metadata)
    {
        Open(record.Segment);
        try
        {
            return record.Segment.Read(record.Offset, record.Header, pool, out payload, out metadata);
        }
        finally
        {
            CloseWhenRead(record.Segment);
        }
    }

    /// <summary>Whose a record is, so far as can be said before its checksum is looked at: <see cref="RequestMetadata.Empty"/> where that cannot be read.</summary>
    public RequestMetadata ReadMetadata(in SpooledRecord record)
    {
        if (record.Header.MetadataLength == 0)
        {
            return RequestMetadata.Empty;
        }

        try
        {
            Open(record.Segment);
            return record.Segment.ReadMetadata(record.Offset, record.Header);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            FileFailed(record.Segment.Path, exception); // and again when the record is to be sent, where it is dealt with
            return RequestMetadata.Empty;
        }
        finally
        {
            CloseWhenRead(record.Segment);
        }
    }

    private void Removed(in SpooledRecord record)
    {
        record.Segment.RecordsOut--;
        segments.RecordRemoved(record.Segment);
        FinishWhenDone(record.Segment);
    }

    private void Open(SpoolSegment segment) => segment.File ??= files.Open(segment.Path);

    private static void CloseWhenRead(SpoolSegment segment)
    {
        if (segment.IsReadToEnd)
        {
            segment.Close();
        }
    }

    private bool TryEnterSegment(out SpoolSegment segment)
    {
        // One behind those that are still being looked through waits for them: the oldest goes first.
        if (_segment is null && segments.After(_lastNumber) is { IsRecovered: true } next)
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

        Open(segment);
        return true;
    }

    private void LeaveSegment(SpoolSegment segment)
    {
        _segment = null;
        segment.IsReadToEnd = true;
        segment.Close();
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
