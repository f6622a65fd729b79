using System.IO.Hashing;
using OtlpTap.Otlp;
using OtlpTap.Recorder;

namespace OtlpTap.Evaluations;

/// <summary>A span that can be referred to by something else than its own ids.</summary>
internal readonly record struct SpanReference(TraceId TraceId, SpanId SpanId, ulong StartUnixNano, bool IsRoot, bool IsModelCall);

/// <summary>
/// Which spans had a response id, or which trace of a session was the last: marks of 64 bits to span ids.
/// <para>
/// A table of bounded size, eight places for each of its rows, in which the first that came makes room: 56 bytes a place, and
/// nothing to collect, however long ids are. The marks of a row lie side by side: those of a new id are asked in vain. Searching the recorder's bytes for an id instead would cost no memory, but a pass
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

    private readonly int _length;
    private readonly bool _keepsLatestTrace;

    // Made for the first that is added.
    private ulong[] _marks = [];
    private Place[] _places = [];
    private byte[] _next = [];
    private long _sequence;

    /// <param name="places">A power of two, 8 at least.</param>
    /// <param name="keepsLatestTrace">One reference for each mark, to the latest trace (sessions); else one for each mark and trace (responses).</param>
    public ReferenceTable(int places, bool keepsLatestTrace)
    {
        _length = places;
        _keepsLatestTrace = keepsLatestTrace;
    }

    /// <summary>References that made room for others.</summary>
    public long Forgotten { get; private set; }

    public static ulong MarkOf(ReadOnlySpan<byte> id) => id.IsEmpty ? 0 : Math.Max(1, XxHash3.HashToUInt64(id, Seed));

    /// <summary>They will be added in a moment. The table is larger than a processor's cache: so all of them are waited for together.</summary>
    public void Prepare(ReadOnlySpan<(ulong Mark, SpanReference Span)> references)
    {
        foreach (ref readonly var reference in references)
        {
            var row = RowOf(reference.Mark);
            Prefetch.Line(_marks, row * RowLength);
            Prefetch.Line(_next, row);
        }

        for (var i = 0; i < references.Length && _next.Length > 0; i++)
        {
            var row = RowOf(references[i].Mark);
            Prefetch.Line(_places, (row * RowLength) + (_next[row] % RowLength));
        }
    }

    public void Add(ulong mark, in SpanReference span)
    {
        if (_marks.Length == 0)
        {
            (_marks, _places, _next) = (new ulong[_length], new Place[_length], new byte[_length / RowLength]);
        }

        var row = RowOf(mark);
        var start = row * RowLength;
        var marks = _marks.AsSpan(start, RowLength);
        for (var i = 0; i < marks.Length; i++)
        {
            ref var place = ref _places[start + i];
            if (marks[i] == mark && (_keepsLatestTrace || place.Span.TraceId == span.TraceId))
            {
                place = new Place { Span = IsBetter(span, place.Span) ? span : place.Span, Sequence = ++_sequence };
                return;
            }
        }

        var next = _next[row]++ % RowLength;
        Forgotten += marks[next] != 0 ? 1 : 0;
        marks[next] = mark;
        _places[start + next] = new Place { Span = span, Sequence = ++_sequence };
    }

    /// <summary>The newest span of the mark; with <paramref name="preferred"/> the one of that trace, if there is one.</summary>
    /// <param name="isAmbiguous">Several traces have it and none is the preferred one.</param>
    public bool TryFind(ulong mark, TraceId preferred, out SpanReference span, out bool isAmbiguous)
    {
        span = default;
        isAmbiguous = false;
        var newest = 0L;
        var start = RowOf(mark) * RowLength;
        for (var at = start; at < start + RowLength && at < _marks.Length; at++)
        {
            ref readonly var place = ref _places[at];
            if (_marks[at] != mark || mark == 0)
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

    private int RowOf(ulong mark) => (int)(mark & (ulong)((_length / RowLength) - 1));

    private struct Place
    {
        public long Sequence;
        public SpanReference Span;
    }
}
