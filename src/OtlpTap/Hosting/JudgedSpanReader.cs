using System.Text;
using OtlpTap.Health.Steps;
using OtlpTap.Otlp;
using OtlpTap.Spans;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>Looks for a span, its service and the agent whose step it is, in the requests that its trace came in.</summary>
/// <param name="spanId">Zero: the trace's root; of a trace whose root did not come this way, the span that is nearest to it.</param>
internal sealed class JudgedSpanReader(TraceId traceId, SpanId spanId, KnownNames names) : ISpanListener
{
    // An agent's name is looked for among the span's ancestors, as far as these are among so many.
    private const int SpansMax = 4096;
    private const int NameBytesMax = 256;

    private readonly Dictionary<SpanId, Seen> _spans = [];
    private readonly bool _isOfTrace = spanId.IsZero;
    private SpanWalk? _walk;
    private SpanId _judged = spanId;
    private string _service = "";

    /// <summary>Nothing more is to be learnt.</summary>
    public bool IsDone => !_judged.IsZero && _spans.TryGetValue(_judged, out var span) && span.Agent is not null;

    /// <summary>Null: it was not there.</summary>
    public JudgedSpan? Found
    {
        get
        {
            var id = _judged.IsZero ? Topmost() : _judged;
            return _spans.TryGetValue(id, out var span) ? new JudgedSpan(id, span.Service, span.EndUnixNano, span.ResponseId)
            {
                Agent = AgentOf(span) ?? (_isOfTrace ? FirstAgent() : null),
                Tool = _isOfTrace ? null : span.Tool,
                Model = _isOfTrace ? null : span.Model,
            } : null;
        }
    }

    public void Look(ReadOnlySpan<byte> request) => (_walk ??= new SpanWalk([this])).Read(request, WatchedKeys.None);

    void ISpanListener.Scope(ReadOnlySpan<byte> service, ReadOnlySpan<byte> name) => _service = TextOf(service) ?? "";

    void ISpanListener.Span(in SpanView span)
    {
        if (span.TraceId != traceId || span.SpanId.IsZero)
        {
            return;
        }

        var meaning = new SpanMeaning(span.Request, span.Frame, names, span.Name, scope: "");
        var kind = meaning.Kind().Kind;
        var seen = new Seen
        {
            Parent = span.ParentId,
            StartUnixNano = span.StartUnixNano,
            EndUnixNano = span.EndUnixNano,
            Service = _service,
            Agent = meaning.Agent(kind),
            Tool = kind == StepKind.Tool ? NullIfEmpty(meaning.Tool()) : null,
            Model = kind == StepKind.Llm ? NullIfEmpty(meaning.Model()) : null,
            ResponseId = TextOf(span.Frame.Text(span.Request, SpanKeys.Responses[0])),
        };
        if (_judged.IsZero && seen.Parent.IsZero)
        {
            _judged = span.SpanId;
        }

        if (_spans.Count < SpansMax || span.SpanId == _judged)
        {
            _spans[span.SpanId] = seen;
        }
    }

    private static string? NullIfEmpty(string name) => name.Length > 0 ? name : null;

    // The earliest of those whose parents did not come this way.
    private SpanId Topmost() => _spans.Where(span => !_spans.ContainsKey(span.Value.Parent)).OrderBy(span => span.Value.StartUnixNano).Select(span => span.Key).FirstOrDefault();

    // Of a trace as a whole that a web server began, say.
    private string? FirstAgent() => _spans.Values.Where(span => span.Agent is not null).OrderBy(span => span.StartUnixNano).Select(span => span.Agent).FirstOrDefault();

    private string? AgentOf(Seen span)
    {
        // Parents of a hostile trace may go round.
        for (var steps = 0; span.Agent is null && steps < _spans.Count && _spans.TryGetValue(span.Parent, out var parent); steps++)
        {
            span = parent;
        }

        return span.Agent;
    }

    private static string? TextOf(ReadOnlySpan<byte> name) => name.Length is > 0 and <= NameBytesMax ? Encoding.UTF8.GetString(name) : null;

    private struct Seen
    {
        public SpanId Parent;
        public ulong StartUnixNano;
        public ulong EndUnixNano;
        public string Service;
        public string? Agent;
        public string? Tool;
        public string? Model;
        public string? ResponseId;
    }
}
