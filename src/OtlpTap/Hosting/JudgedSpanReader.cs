using System.Text;
using OtlpTap.Health.Spans;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;
using OtlpTap.Wire;

namespace OtlpTap.Hosting;

/// <summary>Looks for a span, its service and the agent whose step it is, in the requests that its trace came in.</summary>
/// <param name="spanId">Zero: the trace's root; of a trace whose root did not come this way, the span that is nearest to it.</param>
internal sealed class JudgedSpanReader(TraceId traceId, SpanId spanId, SpanFrame frame, KnownNames names)
{
    // An agent's name is looked for among the span's ancestors, as far as these are among so many.
    private const int SpansMax = 4096;
    private const int NameBytesMax = 256;

    private readonly Dictionary<SpanId, Seen> _spans = [];
    private readonly bool _isOfTrace = spanId.IsZero;
    private SpanId _judged = spanId;

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

    public void Look(ReadOnlySpan<byte> request)
    {
        var resources = new ProtoReader(request);
        while (resources.Next())
        {
            if (resources.WireType == WireType.LengthDelimited)
            {
                LookInResource(resources.Value, ServiceOf(resources.Value));
            }
        }
    }

    private void LookInResource(ReadOnlySpan<byte> resourceSpans, string service)
    {
        var scopes = new ProtoReader(resourceSpans);
        while (scopes.Next())
        {
            if (scopes is not { FieldNumber: OtlpFields.ResourceSpans.ScopeSpans, WireType: WireType.LengthDelimited })
            {
                continue;
            }

            var spans = new ProtoReader(scopes.Value);
            while (spans.Next())
            {
                if (spans is { FieldNumber: OtlpFields.ScopeSpans.Spans, WireType: WireType.LengthDelimited })
                {
                    Read(spans.Value, service);
                }
            }
        }
    }

    private void Read(ReadOnlySpan<byte> span, string service)
    {
        var (trace, id, seen) = (default(TraceId), default(SpanId), new Seen { Service = service });
        ReadOnlySpan<byte> name = default;
        frame.Clear();
        var reader = new ProtoReader(span);
        while (reader.Next())
        {
            switch ((reader.FieldNumber, reader.WireType))
            {
                case (OtlpFields.Span.TraceId, WireType.LengthDelimited):
                    TraceId.TryRead(reader.Value, out trace);
                    break;
                case (OtlpFields.Span.SpanId, WireType.LengthDelimited):
                    SpanId.TryRead(reader.Value, out id);
                    break;
                case (OtlpFields.Span.ParentSpanId, WireType.LengthDelimited):
                    SpanId.TryRead(reader.Value, out seen.Parent);
                    break;
                case (OtlpFields.Span.StartTimeUnixNano, WireType.Fixed64):
                    seen.StartUnixNano = reader.Fixed64;
                    break;
                case (OtlpFields.Span.EndTimeUnixNano, WireType.Fixed64):
                    seen.EndUnixNano = reader.Fixed64;
                    break;
                case (OtlpFields.Span.Name, WireType.LengthDelimited):
                    name = reader.Value;
                    break;
                case (OtlpFields.Span.Attributes, WireType.LengthDelimited):
                    frame.Add(span, reader.ValueOffset, reader.ValueEnd);
                    seen.ResponseId ??= Parts(reader.Value) is var parts && parts.Key.SequenceEqual("gen_ai.response.id"u8) ? TextOf(parts.Value) : null;
                    break;
            }
        }

        if (trace != traceId || id.IsZero)
        {
            return;
        }

        var meaning = new SpanMeaning(span, frame, names, name, scope: "");
        var kind = meaning.Kind().Kind;
        seen.Agent = meaning.Agent(kind);
        seen.Tool = kind == StepKind.Tool ? NullIfEmpty(meaning.Tool()) : null;
        seen.Model = kind == StepKind.Llm ? NullIfEmpty(meaning.Model()) : null;

        if (_judged.IsZero && seen.Parent.IsZero)
        {
            _judged = id;
        }

        if (_spans.Count < SpansMax || id == _judged)
        {
            _spans[id] = seen;
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

    private static string ServiceOf(ReadOnlySpan<byte> resourceSpans)
    {
        var service = "";
        var fields = new ProtoReader(resourceSpans);
        while (fields.Next())
        {
            if (fields is not { FieldNumber: OtlpFields.ResourceSpans.Resource, WireType: WireType.LengthDelimited })
            {
                continue;
            }

            var attributes = new ProtoReader(fields.Value);
            while (attributes.Next())
            {
                if (attributes is { FieldNumber: OtlpFields.Resource.Attributes, WireType: WireType.LengthDelimited } && Parts(attributes.Value) is var parts && parts.Key.SequenceEqual("service.name"u8))
                {
                    service = TextOf(parts.Value) ?? service;
                }
            }
        }

        return service;
    }

    private static KeyAndValue Parts(ReadOnlySpan<byte> attribute)
    {
        var parts = default(KeyAndValue);
        var fields = new ProtoReader(attribute);
        while (fields.Next())
        {
            if (fields is { FieldNumber: OtlpFields.KeyValue.Key, WireType: WireType.LengthDelimited })
            {
                parts.Key = fields.Value;
            }
            else if (fields is { FieldNumber: OtlpFields.KeyValue.Value, WireType: WireType.LengthDelimited })
            {
                parts.Value = fields.Value;
            }
        }

        return parts;
    }

    private static string? TextOf(ReadOnlySpan<byte> anyValue)
    {
        var value = new ProtoReader(anyValue);
        return value.Next() && value is { FieldNumber: OtlpFields.AnyValue.StringValue, WireType: WireType.LengthDelimited, Value: { Length: > 0 and <= NameBytesMax } text } ? Encoding.UTF8.GetString(text) : null;
    }

    private ref struct KeyAndValue
    {
        public ReadOnlySpan<byte> Key;
        public ReadOnlySpan<byte> Value;
    }

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
