using System.IO.Hashing;
using OtlpTap.Otlp;
using OtlpTap.Recorder;

namespace OtlpTap.Evaluations;

/// <summary>A span that can be referred to by something else than its own ids.</summary>
internal readonly record struct SpanReference(TraceId TraceId, SpanId SpanId, ulong StartUnixNano, bool IsRoot, bool IsModelCall);

/// <summary>
/// Which spans had a response id, or which trace of a session was the last: marks of 64 bits to span ids.
/// <para>
/// A table of bounded size, eight places for each of its rows, in which the oldest of a row makes room: 56 bytes a place, from
/// the first that falls into a row, and nothing to collect, however long ids are. Searching the recorder's bytes for an id instead would cost no memory, but a pass
/// over 256 MiB for each evaluation, and an online evaluator judges every answer; and the table knows spans that the recorder
/// has forgotten. A wrong hit needs two ids of one mark: one in 10^14 pairs.
/// </para>
/// Not thread-safe.
/// </summary>
internal sealed class ReferenceTable
{
    private const int RowLength = 8;

    // Chosen ids cannot be made to fall into one row.
    private static readonly long Seed = (long)(ulong)RandomKey.Create();

    private readonly Place[]?[] _rows;
    private readonly bool _keepsLatestTrace;
    private long _sequence;

    /// <param name="places">A power of two, 8 at least.</param>
    /// <param name="keepsLatestTrace">One reference for each mark, to the latest trace (sessions); else one for each mark and trace (responses).</param>
    public ReferenceTable(int places, bool keepsLatestTrace)
    {
        _rows = new Place[places / RowLength][];
        _keepsLatestTrace = keepsLatestTrace;
    }

    /// <summary>References that made room for others.</summary>
    public long Forgotten { get; private set; }

    public static ulong MarkOf(ReadOnlySpan<byte> id) => id.IsEmpty ? 0 : Math.Max(1, XxHash3.HashToUInt64(id, Seed));

    public void Add(ulong mark, in SpanReference span)
    {
        var row = _rows[RowOf(mark)] ??= new Place[RowLength];
        ref var oldest = ref row[0];
        foreach (ref var place in row.AsSpan())
        {
            if (place.Mark == mark && (_keepsLatestTrace || place.Span.TraceId == span.TraceId))
            {
                if (IsBetter(span, place.Span))
                {
                    place.Span = span;
                }

                place.Sequence = ++_sequence;
                return;
            }

            if (place.Sequence < oldest.Sequence)
            {
                oldest = ref place;
            }
        }

        Forgotten += oldest.Sequence > 0 ? 1 : 0;
        oldest = new Place { Mark = mark, Span = span, Sequence = ++_sequence };
    }

    /// <summary>The newest span of the mark; with <paramref name="preferred"/> the one of that trace, if there is one.</summary>
    /// <param name="isAmbiguous">Several traces have it and none is the preferred one.</param>
    public bool TryFind(ulong mark, TraceId preferred, out SpanReference span, out bool isAmbiguous)
    {
        span = default;
        isAmbiguous = false;
        var newest = 0L;
        foreach (ref readonly var place in _rows[RowOf(mark)].AsSpan())
        {
            if (place.Mark != mark || place.Sequence == 0)
            {
                continue;
            }

            if (!preferred.IsZero && place.Span.TraceId == preferred)
            {
                span = place.Span;
                isAmbiguous = false;
                return true;
            }

            isAmbiguous |= newest > 0;
            if (place.Sequence > newest)
            {
                newest = place.Sequence;
                span = place.Span;
            }
        }

        return newest > 0;
    }

    // Of one trace the model's call rather than the agent around it, which repeats its response id, and of a session the root;
    // of several traces the one that started last.
    private bool IsBetter(in SpanReference span, in SpanReference known) =>
        span.TraceId != known.TraceId ? span.StartUnixNano >= known.StartUnixNano
        : _keepsLatestTrace ? span.IsRoot || !known.IsRoot
        : span.IsModelCall || !known.IsModelCall;

    private int RowOf(ulong mark) => (int)(mark & (ulong)(_rows.Length - 1));

    private struct Place
    {
        public ulong Mark;
        public long Sequence;
        public SpanReference Span;
    }
}
