using System.IO.Hashing;
using System.Numerics;
using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Recorder;

/// <summary>
/// The flight recorder: the last bytes received, whole requests as they came, found again by trace id.
/// One thread appends; any thread looks up, also while the ring turns. An append copies once and allocates nothing.
/// To be disposed when nobody appends any more; readers may still be at it.
/// </summary>
internal sealed class Recorder : IDisposable
{
    private readonly RecorderOptions _options;
    private readonly RecorderMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly TraceHash _hash;
    private readonly SegmentFiles? _files;
    private readonly SegmentRing _ring;
    private readonly int _requestBytesMax;
    private readonly int _entriesMax;

    // The writer alone.
    private readonly RecordCompression? _compression;
    private Segment? _open;
    private long _lastPosition;

    // Written by the writer, and by whoever evicts.
    private long _requestBytes;
    private long _records;

    /// <param name="log">Where a directory is set, it is told how the ring was found again and what the disk refuses.</param>
    /// <exception cref="RecorderException">Another process has the directory.</exception>
    public Recorder(RecorderOptions options, RecorderMetrics metrics, TimeProvider time, ILogger log)
        : this(options, metrics, time, TraceHash.CreateRandom(), log)
    {
    }

    internal Recorder(RecorderOptions options, RecorderMetrics metrics, TimeProvider time, TraceHash hash, ILogger log)
    {
        _files = options.Directory.Length == 0 ? null : SegmentFiles.Open(options, metrics, time, log);
        if (_files is null && options.Directory.Length > 0)
        {
            // What the disk was to hold may be more than there is memory.
            options = options with { SizeBytesMax = Math.Min(options.SizeBytesMax, options.AnonymousBytesMax) };
        }

        _options = options;
        _metrics = metrics;
        _time = time;
        _compression = options.Compression == RecordEncoding.Zstd ? new RecordCompression() : null;
        _requestBytesMax = (int)Math.Min(options.RequestBytesMax, options.SizeBytesMax);

        // An eighth of a segment for the index of one record: 65,536 different traces in one request, in segments of 4 MiB.
        _entriesMax = options.SegmentBytes / 8 / sizeof(ulong);

        List<Segment> recovered = _files is null
            ? []
            : new RingRecovery(options, _files, metrics, time, log).Run(SegmentRing.SlotsFor(options), OldestAllowedUnixNano(), ref hash, out _open);
        _hash = hash;
        _ring = new SegmentRing(options, hash, _files, Evicting);
        if (recovered.Count > 0)
        {
            _ring.Restore(recovered);
            _requestBytes = recovered.Sum(segment => segment.RequestBytes);
            _records = recovered.Sum(segment => (long)segment.Records);
            var last = recovered[^1];
            _lastPosition = PositionOf(last, _open is null ? options.SegmentBytes : last.TailOffset) - 1;
        }
    }

    /// <summary>Where the ring's files are; null when it is in memory alone.</summary>
    public string? Directory => _files?.Directory;

    /// <summary>Called before a file is made, to let the disk be full.</summary>
    internal Action? FileCreating { set => _files!.Creating = value; }

    /// <summary>Of the ring in the files: another number means that positions of before mean nothing.</summary>
    public ulong RingId => XxHash3.HashToUInt64([], (long)(_hash.KeyHigh ^ BitOperations.RotateLeft(_hash.KeyLow, 1)));

    /// <summary>Where the newest request stands; at the start, that an earlier process recorded. 0 when there is none. For the writer.</summary>
    public long LastPosition => _lastPosition;

    /// <summary>Bytes of the requests that can be found.</summary>
    public long RequestBytes => Volatile.Read(ref _requestBytes);

    /// <summary>Memory of the ring: requests, headers, index, unused ends.</summary>
    public long MemoryBytes => _ring.Memory.Bytes;

    public long MemoryBytesMax => _ring.MemoryBytesMax;

    /// <summary>Nanoseconds since 1970 at which the oldest request that is still there was received; 0 when there is none.</summary>
    public long OldestUnixNano => _ring.OldestUnixNano();

    /// <summary>Whether anything was ever overwritten or became too old.</summary>
    public bool HasForgotten => _ring.Range.First > 0;

    /// <summary>Records one request. For one thread.</summary>
    /// <param name="traceIds">The trace ids that occur in it; equal ones may come again.</param>
    public AppendOutcome Append(Signal signal, long receivedUnixNano, ReadOnlySpan<byte> request, ReadOnlySpan<TraceId> traceIds)
    {
        if (traceIds.IsEmpty)
        {
            return AppendOutcome.WithoutTraceId;
        }

        if (request.Length > _requestBytesMax)
        {
            return AppendOutcome.TooLarge;
        }

        if (traceIds.Length > _entriesMax)
        {
            _metrics.TracesUnindexed(traceIds.Length - _entriesMax);
            traceIds = traceIds[.._entriesMax];
        }

        if (_compression is null)
        {
            Append(signal, RecordEncoding.None, receivedUnixNano, request, traceIds);
            return AppendOutcome.Recorded;
        }

        try
        {
            var isCompressed = _compression.TryCompress(request, out var compressed);
            Append(signal, isCompressed ? RecordEncoding.Zstd : RecordEncoding.None, receivedUnixNano, isCompressed ? compressed : request, traceIds);
            return AppendOutcome.Recorded;
        }
        finally
        {
            _compression.Return();
        }
    }

    /// <summary>
    /// Shows <paramref name="visit"/> every request in which the trace occurs, oldest first, and returns how many.
    /// Safe on any thread while requests are appended; one that is overwritten meanwhile is left out.
    /// </summary>
    public int Visit<TState>(in TraceId traceId, TState state, FragmentVisitor<TState> visit)
    {
        var started = _time.GetTimestamp();
        var hash = _hash.Of(traceId);
        Span<byte> id = stackalloc byte[TraceId.Length];
        traceId.WriteTo(id);
        var offsets = new List<int>();
        var visited = 0;
        var (sequence, next) = _ring.Range;
        for (; sequence < next; sequence++)
        {
            if (!_ring.Sieve.MayHold(sequence, hash) || _ring.TryPin(sequence) is not { } segment)
            {
                continue;
            }

            try
            {
                offsets.Clear();
                segment.Find(hash, offsets);
                visited += VisitAll(segment, offsets, 0, long.MaxValue, id, state, visit);
            }
            finally
            {
                _ring.Unpin(segment);
            }
        }

        _metrics.LookedUp(_time.GetElapsedTime(started));
        return visited;
    }

    /// <summary>Shows <paramref name="visit"/> every request behind one position and up to another, oldest first. On any thread.</summary>
    public void VisitBetween<TState>(long after, long last, TState state, FragmentVisitor<TState> visit)
    {
        var offsets = new List<int>();
        var (sequence, next) = _ring.Range;
        for (sequence = Math.Max(sequence, SequenceOf(after)); sequence < next && sequence <= SequenceOf(last); sequence++)
        {
            if (_ring.TryPin(sequence) is not { } segment)
            {
                continue;
            }

            try
            {
                offsets.Clear();
                segment.FindAll(offsets);
                VisitAll(segment, offsets, after, last, [], state, visit);
            }
            finally
            {
                _ring.Unpin(segment);
            }
        }
    }

    /// <summary>Copies of all requests in which the trace occurs, oldest first.</summary>
    public List<RecordedRequest> Find(in TraceId traceId)
    {
        var found = new List<RecordedRequest>();
        Visit(traceId, found, static (in fragment, list) =>
            list.Add(new RecordedRequest(fragment.Signal, fragment.ReceivedUnixNano, fragment.Request.ToArray())));
        return found;
    }

    /// <summary>Gives back the memory of requests that are too old, when no new ones come to overwrite them. For any thread.</summary>
    public void Trim() => _ring.EvictOlderThan(OldestAllowedUnixNano());

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        var oldest = OldestUnixNano;
        var (memory, fileBytes) = _ring.Memory;
        _metrics.Sampled(
            RequestBytes,
            memory,
            fileBytes,
            _options.SizeBytesMax,
            Volatile.Read(ref _records),
            oldest == 0 ? TimeSpan.Zero : UnixTime.FromNanoseconds(UnixTime.Now(_time) - oldest));
    }

    /// <summary>What is in files stays there: the next process finds it.</summary>
    public void Dispose()
    {
        _ring.Dispose();
        _files?.Dispose();
        _compression?.Dispose();
    }

    // From 1, so that 0 is before all.
    private static long PositionOf(Segment segment, int offset) => ((segment.Sequence + 1) << 32) | (uint)offset;

    private static long SequenceOf(long position) => (position >> 32) - 1;

    private void Append(Signal signal, RecordEncoding encoding, long receivedUnixNano, ReadOnlySpan<byte> stored, ReadOnlySpan<TraceId> traceIds)
    {
        var start = OpenFor(traceIds.Length);
        var header = new RecordHeader(stored.Length, signal, encoding, receivedUnixNano) { BodyChecksum = start.ChecksumOf(stored) };
        var offset = start.Begin(header, traceIds.Length);
        Interlocked.Add(ref _requestBytes, stored.Length);
        Interlocked.Increment(ref _records);
        var written = start.Write(stored);
        if (written < stored.Length)
        {
            WriteRest(start, stored[written..]);
        }

        start.Publish(offset, traceIds, _hash, _ring.Sieve);
        _lastPosition = PositionOf(start, offset);
        if (_open != start)
        {
            start.Seal();
        }
    }

    private Segment OpenFor(int entries)
    {
        if (_open is { } open)
        {
            if (open.HasRoomForStart(entries))
            {
                return open;
            }

            open.Seal();
        }

        // Should memory be refused here, the next append starts over with no segment open.
        _open = null;
        return _open = _ring.Open(RequestBytes, OldestAllowedUnixNano(), continued: 0);
    }

    private void WriteRest(Segment start, ReadOnlySpan<byte> rest)
    {
        var complete = false;
        try
        {
            while (!rest.IsEmpty)
            {
                if (_open != start)
                {
                    _open!.Seal();
                }

                _open = _ring.Open(RequestBytes, OldestAllowedUnixNano(), continued: rest.Length);
                rest = rest[_open.Write(rest)..];
            }

            complete = true;
        }
        finally
        {
            if (!complete)
            {
                // Memory was refused half-way: what lies there was never published and is overwritten with its segments.
                start.Seal();
                _open = null;
            }
        }
    }

    private int VisitAll<TState>(
        Segment segment, List<int> offsets, long after, long last, ReadOnlySpan<byte> id, TState state, FragmentVisitor<TState> visit)
    {
        var visited = 0;
        var oldest = OldestAllowedUnixNano();
        foreach (var offset in offsets)
        {
            var position = PositionOf(segment, offset);
            if (position <= after || position > last)
            {
                continue;
            }

            if (!segment.TryReadHeader(offset, out var header))
            {
                _metrics.Damaged(1);
            }
            else if (header.ReceivedUnixNano >= oldest && TryVisit(segment, offset, header, id, state, visit))
            {
                visited++;
            }
        }

        return visited;
    }

    private bool TryVisit<TState>(
        Segment segment, int offset, in RecordHeader header, ReadOnlySpan<byte> id, TState state, FragmentVisitor<TState> visit)
    {
        var stored = segment.FirstPart(offset, header);
        if (stored.Length < header.Length)
        {
            // One in sixty requests of 64 KiB crosses the end of a segment.
            var whole = GC.AllocateUninitializedArray<byte>(header.Length);
            stored.CopyTo(whole);
            if (!TryCopyRest(segment.Sequence, whole, stored.Length))
            {
                return false;
            }

            stored = whole;
        }

        if (!segment.IsIntact(header, stored) || !RecordCompression.TryRead(header.Encoding, stored, out var request))
        {
            _metrics.Damaged(1);
            return false;
        }

        // Two traces of one hash: the bytes decide. (The id may still stand there as a link's; then no span is found in it.)
        if (!id.IsEmpty && request.IndexOf(id) < 0)
        {
            return false;
        }

        visit(new Fragment(header, request, PositionOf(segment, offset)), state);
        return true;
    }

    private bool TryCopyRest(long sequence, Span<byte> request, int copied)
    {
        while (copied < request.Length)
        {
            if (_ring.TryPin(++sequence) is not { } segment)
            {
                return false;
            }

            try
            {
                var part = segment.NextPart(request.Length - copied);
                part.CopyTo(request[copied..]);
                copied += part.Length;
            }
            finally
            {
                _ring.Unpin(segment);
            }
        }

        return true;
    }

    private void Evicting(Segment segment)
    {
        Interlocked.Add(ref _requestBytes, -segment.RequestBytes);
        Interlocked.Add(ref _records, -segment.Records);
        _metrics.Overwritten(segment.Records, segment.RequestBytes);
    }

    private long OldestAllowedUnixNano() => UnixTime.Now(_time) - UnixTime.ToNanoseconds(_options.AgeMax);
}
