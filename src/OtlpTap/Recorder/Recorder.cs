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
    private readonly SegmentRing _ring;
    private readonly int _requestBytesMax;
    private readonly int _entriesMax;

    // The writer alone.
    private Segment? _open;

    // Written by the writer, and by whoever evicts.
    private long _requestBytes;
    private long _records;

    public Recorder(RecorderOptions options, RecorderMetrics metrics, TimeProvider time)
        : this(options, metrics, time, TraceHash.CreateRandom())
    {
    }

    internal Recorder(RecorderOptions options, RecorderMetrics metrics, TimeProvider time, TraceHash hash)
    {
        _options = options;
        _metrics = metrics;
        _time = time;
        _hash = hash;
        _ring = new SegmentRing(options, Evicting);
        _requestBytesMax = (int)Math.Min(options.RequestBytesMax, options.SizeBytesMax);

        // An eighth of a segment for the index of one record: 65,536 different traces in one request, in segments of 4 MiB.
        _entriesMax = options.SegmentBytes / 8 / sizeof(ulong);
    }

    /// <summary>Bytes of the requests that can be found.</summary>
    public long RequestBytes => Volatile.Read(ref _requestBytes);

    /// <summary>Memory of the ring: requests, headers, index, unused ends.</summary>
    public long MemoryBytes => _ring.MemoryBytes;

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

        var start = OpenFor(traceIds.Length);
        var offset = start.Begin(new RecordHeader(request.Length, signal, receivedUnixNano), traceIds.Length);
        Interlocked.Add(ref _requestBytes, request.Length);
        Interlocked.Increment(ref _records);
        var written = start.Write(request);
        if (written < request.Length)
        {
            WriteRest(start, request[written..]);
        }

        start.Publish(offset, traceIds, _hash);
        if (_open != start)
        {
            start.Seal();
        }

        return AppendOutcome.Recorded;
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
        var oldest = OldestAllowedUnixNano();
        var offsets = new List<int>();
        var visited = 0;
        var (sequence, next) = _ring.Range;
        for (; sequence < next; sequence++)
        {
            if (_ring.TryPin(sequence) is not { } segment)
            {
                continue;
            }

            try
            {
                offsets.Clear();
                segment.Find(hash, offsets);
                foreach (var offset in offsets)
                {
                    var header = segment.ReadHeader(offset);
                    if (header.ReceivedUnixNano >= oldest && TryVisit(segment, offset, header, id, state, visit))
                    {
                        visited++;
                    }
                }
            }
            finally
            {
                _ring.Unpin(segment);
            }
        }

        _metrics.LookedUp(_time.GetElapsedTime(started));
        return visited;
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
        _metrics.Sampled(
            RequestBytes,
            MemoryBytes,
            _options.SizeBytesMax,
            Volatile.Read(ref _records),
            oldest == 0 ? TimeSpan.Zero : UnixTime.FromNanoseconds(UnixTime.Now(_time) - oldest));
    }

    public void Dispose() => _ring.Dispose();

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
        return _open = _ring.Open(RequestBytes, OldestAllowedUnixNano());
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

                _open = _ring.Open(RequestBytes, OldestAllowedUnixNano());
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

    private bool TryVisit<TState>(
        Segment segment, int offset, in RecordHeader header, ReadOnlySpan<byte> id, TState state, FragmentVisitor<TState> visit)
    {
        var first = segment.FirstPart(offset, header.Length);
        if (first.Length == header.Length)
        {
            return VisitWhen(header, first, id, state, visit);
        }

        // One in sixty requests of 64 KiB crosses the end of a segment.
        var whole = GC.AllocateUninitializedArray<byte>(header.Length);
        first.CopyTo(whole);
        return TryCopyRest(segment.Sequence, whole, first.Length) && VisitWhen(header, whole, id, state, visit);
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

    // Two traces of one hash: the bytes decide. (The id may still stand there as a link's; then no span is found in it.)
    private static bool VisitWhen<TState>(
        in RecordHeader header, ReadOnlySpan<byte> request, ReadOnlySpan<byte> id, TState state, FragmentVisitor<TState> visit)
    {
        if (request.IndexOf(id) < 0)
        {
            return false;
        }

        visit(new Fragment(header, request), state);
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
