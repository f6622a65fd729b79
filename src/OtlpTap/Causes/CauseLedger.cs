using OtlpTap.Otlp;

namespace OtlpTap.Causes;

/// <summary>
/// The causes of recent failures, by trace: children usually arrive before their parents, so that a parent that repeats a
/// failure often comes in a later request. Asked for requests with failing spans alone, so one lock is enough. Bounded in
/// bytes; the trace that was longest not asked for goes first, and costs nothing but that its parents count for themselves.
/// </summary>
internal sealed class CauseLedger(long bytesMax = CauseLedger.BytesMaxDefault)
{
    /// <summary>Some ten thousand failures: minutes of them where a hundred come in a second.</summary>
    public const long BytesMaxDefault = 8L << 20;

    /// <summary>Of one trace the latest are kept: an error that comes up to the root is one of the last.</summary>
    public const int CausesPerTraceMax = 16;

    private const int EntryBytes = 320;
    private const int CauseBytes = 320;

    private readonly Lock _gate = new();
    private readonly Dictionary<TraceId, LinkedListNode<Entry>> _byTrace = [];
    private readonly LinkedList<Entry> _byUse = new();
    private long _bytes;
    private int _count;

    /// <summary>What it holds, as it counts it.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public bool KnowsAny(ReadOnlySpan<TraceId> traces)
    {
        if (Volatile.Read(ref _count) == 0)
        {
            return false;
        }

        lock (_gate)
        {
            foreach (ref readonly var trace in traces)
            {
                if (_byTrace.ContainsKey(trace))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>The causes of a trace; <see cref="FailingSpan.ParentId"/> is that of the highest ancestor that has come, and the rest is as it was.</summary>
    public IReadOnlyList<FailingSpan> Of(in TraceId trace)
    {
        lock (_gate)
        {
            if (!_byTrace.TryGetValue(trace, out var node))
            {
                return [];
            }

            _byUse.Remove(node);
            _byUse.AddLast(node);
            return [.. node.Value.Causes];
        }
    }

    /// <summary>Takes the place of what is known of the same spans.</summary>
    public void Remember(in TraceId trace, IReadOnlyList<FailingSpan> causes)
    {
        lock (_gate)
        {
            if (!_byTrace.TryGetValue(trace, out var node))
            {
                node = _byUse.AddLast(new Entry(trace));
                _byTrace.Add(trace, node);
                _bytes += EntryBytes;
            }

            foreach (var cause in causes)
            {
                var known = node.Value.Causes;
                var index = known.FindIndex(other => other.SpanId == cause.SpanId);
                if (index < 0 && known.Count == CausesPerTraceMax)
                {
                    index = 0;
                }

                if (index >= 0)
                {
                    _bytes -= BytesOf(known[index]);
                    known.RemoveAt(index);
                }

                known.Add(cause);
                _bytes += BytesOf(cause);
            }

            while (_bytes > bytesMax && _byUse.First is { } oldest)
            {
                _byUse.Remove(oldest);
                _byTrace.Remove(oldest.Value.TraceId);
                _bytes -= EntryBytes + oldest.Value.Causes.Sum(BytesOf);
            }

            Volatile.Write(ref _count, _byTrace.Count);
        }
    }

    private static long BytesOf(FailingSpan cause) =>
        CauseBytes + (2L * (cause.Messages.Sum(text => text.Length + 16) + cause.Types.Sum(text => text.Length + 16) + cause.FinishReason.Length));

    private sealed class Entry(in TraceId traceId)
    {
        public TraceId TraceId { get; } = traceId;

        public List<FailingSpan> Causes { get; } = [];
    }
}
