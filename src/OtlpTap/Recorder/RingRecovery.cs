using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Scan;

namespace OtlpTap.Recorder;

/// <summary>
/// Finds the ring again that an earlier process left in files, however it ended. A sealed segment is believed its index,
/// whose checksum is looked at, and costs two pages to read; a record's bytes are checked when somebody asks for it. The
/// segment that was being filled, and one whose index is damaged, are gone through record by record. So a start takes a
/// moment for each gigabyte, and a ring of which every index is damaged as long as the disk needs to read it.
/// </summary>
internal sealed class RingRecovery(RecorderOptions options, SegmentFiles files, RecorderMetrics metrics, TimeProvider time, ILogger log)
{
    // The newest segment is filled on when so much of it is free: a tap that is restarted over and over would otherwise
    // fill the ring with nearly empty segments.
    private const int FreePartMin = 8;

    private readonly ScanResult _scan = new();
    private readonly Dictionary<long, Segment> _bySequence = [];
    private int _rebuilt;
    private int _damaged;

    /// <summary>What was found, by sequence, over no more than <paramref name="segmentsMax"/> of them.</summary>
    /// <param name="hash">Of the ring that was found; unchanged where none was.</param>
    /// <param name="open">The newest segment, when it is to be filled on.</param>
    public List<Segment> Run(int segmentsMax, long oldestUnixNano, ref TraceHash hash, out Segment? open)
    {
        var started = time.GetTimestamp();
        var found = Find(segmentsMax);
        open = null;
        if (found.Count == 0)
        {
            return [];
        }

        // All are of one key, unless somebody mixed two directories: then the others' indexes are made anew.
        hash = found[^1].Header.Hash;
        var segments = new List<Segment>(found.Count);
        foreach (var (segment, header, seal) in found)
        {
            segments.Add(segment);
            var isNewest = segment == found[^1].Segment;
            var isIndexed = segment.TryRestore(header, header.Hash == hash ? seal : null);
            if (isIndexed && !(isNewest && IsWorthFilling(segment)))
            {
                continue;
            }

            Rebuild(segment, hash);
            if (isNewest && IsWorthFilling(segment) && files.TryZero(segment.Path!, segment.TailOffset, segment.TailLength))
            {
                open = segment;
            }
            else
            {
                segment.Seal();
            }
        }

        DropOld(segments, open, oldestUnixNano);
        var took = time.GetElapsedTime(started);
        metrics.Recovered(took, segments.Count, _damaged);
        var (requests, bytes) = (segments.Sum(segment => segment.Records), segments.Sum(segment => segment.RequestBytes));
        log.Recovered(files.Directory, requests, bytes, segments.Count, _rebuilt, took.TotalSeconds);
        if (_damaged > 0)
        {
            log.RecordsDamaged(files.Directory, _damaged);
        }

        return segments;
    }

    private List<(Segment Segment, SegmentHeader Header, SegmentSeal? Seal)> Find(int segmentsMax)
    {
        var found = files.Found().OrderBy(one => one.Header.Sequence).ToList();
        for (var i = found.Count - 1; i >= 0; i--)
        {
            var (segment, header, _) = found[i];
            if (i > 0 && found[i - 1].Header.Sequence == header.Sequence)
            {
                segment.Dispose();
                files.SetAside(segment.Path!, $"{found[i - 1].Segment.Path} has the same place in the ring");
                found.RemoveAt(i);
            }
        }

        // The ring may have been made smaller since.
        while (found.Count > 0 && found[0].Header.Sequence <= found[^1].Header.Sequence - segmentsMax)
        {
            Drop(found[0].Segment);
            found.RemoveAt(0);
        }

        found.ForEach(one => _bySequence.Add(one.Header.Sequence, one.Segment));
        return found;
    }

    private bool IsWorthFilling(Segment segment) => segment.FreeBytes >= options.SegmentBytes / FreePartMin;

    private void Rebuild(Segment segment, in TraceHash hash)
    {
        _rebuilt++;
        segment.BeginRebuild();
        var offset = segment.TailOffset;
        while (segment.TryFindRecord(offset, out var at, out var header))
        {
            _damaged += at > offset ? 1 : 0; // at least one had its header there
            if (TryReadTraceIds(segment, at, header))
            {
                var traceIds = _scan.TraceIds;
                segment.AddRecovered(at, header, traceIds[..Math.Min(traceIds.Length, options.SegmentBytes / 8 / sizeof(ulong))], hash);
            }
            else
            {
                _damaged++;
            }

            offset = at + header.SizeInSegment;
        }
    }

    private bool TryReadTraceIds(Segment segment, int offset, in RecordHeader header)
    {
        ReadOnlySpan<byte> stored = segment.FirstPart(offset, header);
        if (header.FirstPartLength < header.Length)
        {
            var whole = Array.Empty<byte>();
            if (!TryCopy(segment, stored, header.Length, ref whole))
            {
                return false;
            }

            stored = whole;
        }

        return segment.IsIntact(header, stored)
            && RecordCompression.TryRead(header.Encoding, stored, out var request)
            && RequestScanner.WithoutRules.TryScan(header.Signal, request, _scan, out _);
    }

    private bool TryCopy(Segment segment, ReadOnlySpan<byte> first, int length, ref byte[] whole)
    {
        // Looked at before the memory is taken: each of the next segments must say that it goes on with this record.
        var sequence = segment.Sequence;
        for (var rest = length - first.Length; rest > 0; rest -= Math.Min(rest, options.SegmentBytes))
        {
            if (!_bySequence.TryGetValue(++sequence, out var next) || next.ContinuedInFile != Math.Min(rest, options.SegmentBytes))
            {
                return false;
            }
        }

        whole = GC.AllocateUninitializedArray<byte>(length);
        first.CopyTo(whole);
        var copied = first.Length;
        for (sequence = segment.Sequence; copied < length;)
        {
            var part = _bySequence[++sequence].NextPart(length - copied);
            part.CopyTo(whole.AsSpan(copied));
            copied += part.Length;
        }

        return true;
    }

    private void DropOld(List<Segment> segments, Segment? open, long oldestUnixNano)
    {
        while (segments.Count > 0 && segments[0] != open && segments[0].NewestUnixNano < oldestUnixNano)
        {
            Drop(segments[0]);
            segments.RemoveAt(0);
        }
    }

    private void Drop(Segment segment)
    {
        segment.Forget();
        segment.Dispose();
        files.Delete(segment.Path!);
    }
}
