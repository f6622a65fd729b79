using OtlpTap.Otlp;

namespace OtlpTap.Runs.Telemetry;

/// <summary>What the reader of telemetry collects: spans by trace, and what was said about each span.</summary>
internal sealed class RunInput(RunLimits limits)
{
    private readonly Dictionary<TraceId, List<SpanRecord>> _traces = [];
    private readonly Dictionary<(TraceId, SpanId), List<EventRecord>> _logs = [];

    public long LengthLeft { get; set; } = limits.TotalLengthMax;

    /// <summary>Something was beyond a limit.</summary>
    public bool IsCut { get; set; }

    public IEnumerable<(TraceId TraceId, List<SpanRecord> Spans)> Traces => _traces.Select(trace => (trace.Key, trace.Value));

    public bool Knows(in TraceId trace) => _traces.ContainsKey(trace);

    public bool HasRoomFor(in TraceId trace)
    {
        var hasRoom = _traces.TryGetValue(trace, out var spans) ? spans.Count < limits.StepsMax : _traces.Count < limits.TracesMax;
        IsCut |= !hasRoom;
        return hasRoom;
    }

    public void Add(SpanRecord span)
    {
        if (!_traces.TryGetValue(span.TraceId, out var spans))
        {
            _traces.Add(span.TraceId, spans = []);
        }

        spans.Add(span);
    }

    public void Add(in TraceId trace, SpanId span, EventRecord log)
    {
        if (!_logs.TryGetValue((trace, span), out var logs))
        {
            _logs.Add((trace, span), logs = []);
        }

        if (logs.Count < limits.EventsMax)
        {
            logs.Add(log);
        }
        else
        {
            IsCut = true;
        }
    }

    public IReadOnlyList<EventRecord> Logs(in TraceId trace, SpanId span) => _logs.GetValueOrDefault((trace, span)) ?? [];
}
