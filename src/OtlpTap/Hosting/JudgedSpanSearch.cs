using OtlpTap.Health.Steps;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>
/// What is known of a span that was judged by its id alone: what the recorder has of it, else whose its trace is. Each look reads the span's trace, and senders choose
/// how many results speak of how large a trace: so many bytes are read in a second, and beyond them only the trace's owner is told.
/// Any thread; one looks at a time.
/// </summary>
internal sealed class JudgedSpanSearch(Recorder.Recorder recorder, TraceOwners owners, TimeProvider time)
{
    /// <summary>Some 5 % of a core.</summary>
    public const long BytesASecond = 64L << 20;

    // The search for the trace itself.
    private const long LookBytes = 16 << 10;

    private readonly Lock _gate = new();
    private readonly KnownNames _names = new();
    private long _since = time.GetTimestamp();
    private long _left = BytesASecond;

    // Who says something of a span asks first, and the verdict that it is asks again.
    private (TraceId TraceId, SpanId SpanId, JudgedSpan Span)? _last;

    /// <param name="spanId">Zero: the trace's root, or what is as near to it as the recorder has it.</param>
    /// <returns>Null: nobody remembers the trace.</returns>
    public JudgedSpan? Find(TraceId traceId, SpanId spanId) => InRecorder(traceId, spanId) ?? OfOwner(traceId, spanId);

    /// <summary>Whether anything of a trace is in the recorder; true as well where enough was read in this second.</summary>
    public bool IsRecorded(TraceId traceId)
    {
        lock (_gate)
        {
            var search = new Search(new JudgedSpanReader(traceId, default, _names)) { IsForAny = true };
            return !TryVisit(traceId, search) || search.Any;
        }
    }

    private JudgedSpan? InRecorder(TraceId traceId, SpanId spanId)
    {
        lock (_gate)
        {
            if (_last is var (lastTrace, lastSpan, span) && lastTrace == traceId && lastSpan == spanId)
            {
                return span;
            }

            var search = new Search(new JudgedSpanReader(traceId, spanId, _names));
            var found = TryVisit(traceId, search) ? search.Reader.Found : null;
            if (found is not null)
            {
                _last = (traceId, spanId, found);
            }

            return found;
        }
    }

    private JudgedSpan? OfOwner(TraceId traceId, SpanId spanId) => owners.TryFind(traceId, out var owner)
        ? new JudgedSpan(spanId, owner.Service, 0, null) { Agent = owner.Agent.Length > 0 ? owner.Agent : null }
        : null;

    // False: enough was read in this second.
    private bool TryVisit(TraceId traceId, Search search)
    {
        if (time.GetElapsedTime(_since) >= TimeSpan.FromSeconds(1))
        {
            (_since, _left) = (time.GetTimestamp(), BytesASecond);
        }

        if (_left <= 0)
        {
            return false;
        }

        search.Left = _left - LookBytes;
        recorder.Visit(traceId, search, static (in fragment, search) =>
        {
            if (fragment.Signal != Signal.Traces || search.Left <= 0 || search.IsDone)
            {
                return;
            }

            search.Any = true;
            search.Left -= fragment.Request.Length;
            if (!search.IsForAny)
            {
                search.Reader.Look(fragment.Request);
            }
        });
        _left = search.Left;
        return true;
    }

    private sealed class Search(JudgedSpanReader reader)
    {
        public JudgedSpanReader Reader { get; } = reader;

        /// <summary>Bytes that may still be read.</summary>
        public long Left { get; set; }

        public bool IsForAny { get; init; }

        public bool Any { get; set; }

        public bool IsDone => IsForAny ? Any : Reader.IsDone;
    }
}
