using OtlpTap.Otlp;

namespace OtlpTap.Evaluations;

/// <summary>
/// Whose span it was in which a result was written, from what the recorder holds of its trace: an <see cref="AgentSpanWitness"/>.
/// Each look reads all of the trace, on the recorder's thread, and senders choose how many results name how large a trace:
/// so many bytes are read in a second, and beyond them the span counts as not seen yet. Its caller holds a lock.
/// </summary>
internal sealed class RecordedContexts(Recorder.Recorder recorder, TimeProvider time)
{
    /// <summary>Some 5 % of a core.</summary>
    public const long BytesASecond = 64L << 20;

    // The search for the trace itself.
    private const long LookBytes = 16 << 10;

    private long _since = time.GetTimestamp();
    private long _left = BytesASecond;

    public bool? Look(TraceId traceId, SpanId spanId)
    {
        if (time.GetElapsedTime(_since) >= TimeSpan.FromSeconds(1))
        {
            (_since, _left) = (time.GetTimestamp(), BytesASecond);
        }

        if (_left <= 0)
        {
            return null;
        }

        var search = new Search(traceId, spanId) { Left = _left - LookBytes };
        recorder.Visit(traceId, search, static (in fragment, search) =>
        {
            if (fragment.Signal == Signal.Traces && search is { IsAgents: not true, Left: > 0 })
            {
                search.Left -= fragment.Request.Length;
                search.IsAgents = AgentSpanSearch.Find(fragment.Request, search.TraceId, search.SpanId) ?? search.IsAgents;
            }
        });
        _left = search.Left;
        return search.IsAgents;
    }

    private sealed class Search(TraceId traceId, SpanId spanId)
    {
        public TraceId TraceId { get; } = traceId;

        public SpanId SpanId { get; } = spanId;

        public long Left { get; set; }

        public bool? IsAgents { get; set; }
    }
}
