using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Spans;

/// <summary>
/// Goes over the spans of a request once for all who look at them behind the tee: where known attributes lie, and whether
/// there is anything that is watched for. Values are skipped, however long, and nothing is allocated. The tap's own spans are
/// passed over: what taps tell of their verdicts is neither a step of an agent nor an evaluator's word. For one thread.
/// <code>
///   ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }   ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
///   ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
/// </summary>
internal sealed class SpanWalk(IReadOnlyList<ISpanListener> listeners)
{
    /// <summary>Events so named are watched for: results of evaluators.</summary>
    private static ReadOnlySpan<byte> WatchedEvents => "gen_ai.evaluation."u8;

    private const uint Message = (uint)WireType.LengthDelimited;
    private const uint AttributesTag = ((uint)OtlpFields.Span.Attributes << 3) | Message;
    private const uint TraceIdTag = ((uint)OtlpFields.Span.TraceId << 3) | Message;
    private const uint SpanIdTag = ((uint)OtlpFields.Span.SpanId << 3) | Message;
    private const uint ParentIdTag = ((uint)OtlpFields.Span.ParentSpanId << 3) | Message;
    private const uint NameTag = ((uint)OtlpFields.Span.Name << 3) | Message;
    private const uint EventsTag = ((uint)OtlpFields.Span.Events << 3) | Message;
    private const uint StartTag = ((uint)OtlpFields.Span.StartTimeUnixNano << 3) | (uint)WireType.Fixed64;
    private const uint EndTag = ((uint)OtlpFields.Span.EndTimeUnixNano << 3) | (uint)WireType.Fixed64;

    private readonly ISpanListener[] _listeners = [.. listeners];
    private readonly SpanFrame _frame = new();
    private WatchedKeys _watched = WatchedKeys.None;
    private LearnedKeys? _keys;

    /// <summary>Never throws for what it is given: what is malformed ends the message it stands in; what came before it counts.</summary>
    public void Read(ReadOnlySpan<byte> request, WatchedKeys watched)
    {
        if (_keys is null || watched != _watched)
        {
            (_watched, _keys) = (watched, new LearnedKeys(watched));
        }

        var resources = new ProtoReader(request);
        while (resources.Next())
        {
            if (resources is { FieldNumber: OtlpFields.TraceRequest.ResourceSpans, WireType: WireType.LengthDelimited })
            {
                ReadResource(request, resources.ValueOffset, resources.ValueEnd);
            }
        }
    }

    private void ReadResource(ReadOnlySpan<byte> request, int start, int end)
    {
        // The resource may stand behind the spans: it is read first.
        ReadOnlySpan<byte> service = default;
        var resource = new ProtoReader(request, start, end);
        while (resource.Next())
        {
            if (resource is { FieldNumber: OtlpFields.ResourceSpans.Resource, WireType: WireType.LengthDelimited })
            {
                service = ServiceOf(request, resource.ValueOffset, resource.ValueEnd);
            }
        }

        var scopes = new ProtoReader(request, start, end);
        while (scopes.Next())
        {
            if (scopes is { FieldNumber: OtlpFields.ResourceSpans.ScopeSpans, WireType: WireType.LengthDelimited })
            {
                ReadScope(request, scopes.ValueOffset, scopes.ValueEnd, service);
            }
        }
    }

    private static ReadOnlySpan<byte> ServiceOf(ReadOnlySpan<byte> request, int start, int end)
    {
        var attributes = new ProtoReader(request, start, end);
        while (attributes.Next())
        {
            if (attributes is { FieldNumber: OtlpFields.Resource.Attributes, WireType: WireType.LengthDelimited }
                && ServiceName.TryRead(request, attributes.ValueOffset, attributes.ValueEnd, out var service))
            {
                return service;
            }
        }

        return default;
    }

    private void ReadScope(ReadOnlySpan<byte> request, int start, int end, ReadOnlySpan<byte> service)
    {
        ReadOnlySpan<byte> name = default;
        var scope = new ProtoReader(request, start, end);
        while (scope.Next())
        {
            if (scope is { FieldNumber: OtlpFields.ScopeSpans.Scope, WireType: WireType.LengthDelimited })
            {
                name = NameOf(scope.Value, OtlpFields.Scope.Name);
            }
        }

        if (name.SequenceEqual(TapTelemetry.ScopeNameUtf8))
        {
            return;
        }

        foreach (var listener in _listeners)
        {
            listener.Scope(service, name);
        }

        var spans = new ProtoReader(request, start, end);
        while (spans.Next())
        {
            if (spans is { FieldNumber: OtlpFields.ScopeSpans.Spans, WireType: WireType.LengthDelimited })
            {
                ReadSpan(request, spans.ValueOffset, spans.ValueEnd);
            }
        }
    }

    private void ReadSpan(ReadOnlySpan<byte> request, int start, int end)
    {
        var frame = _frame;
        frame.Clear();
        var keys = _keys!; // made before the first span is read
        keys.Begin();
        TraceId trace = default;
        SpanId id = default;
        SpanId parent = default;
        ReadOnlySpan<byte> name = default;
        ulong started = 0;
        ulong ended = 0;
        var isWatched = false;
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            // Before the switch: it is half of all fields.
            if (reader.Tag == AttributesTag)
            {
                isWatched |= frame.Add(request, reader.ValueOffset, reader.ValueEnd, keys);
                continue;
            }

            switch (reader.Tag)
            {
                case TraceIdTag:
                    TraceId.TryRead(reader.Value, out trace);
                    break;
                case SpanIdTag:
                    SpanId.TryRead(reader.Value, out id);
                    break;
                case ParentIdTag:
                    SpanId.TryRead(reader.Value, out parent);
                    break;
                case NameTag:
                    name = reader.Value;
                    break;
                case StartTag:
                    started = reader.Fixed64;
                    break;
                case EndTag:
                    ended = reader.Fixed64;
                    break;
                case EventsTag:
                    isWatched |= NameOf(reader.Value, OtlpFields.Event.Name).StartsWith(WatchedEvents);
                    break;
            }
        }

        if (trace.IsZero)
        {
            return;
        }

        var view = new SpanView
        {
            Request = request,
            Start = start,
            End = end,
            Frame = frame,
            TraceId = trace,
            SpanId = id,
            ParentId = parent,
            Name = name,
            StartUnixNano = started,
            EndUnixNano = ended,
            IsWatched = isWatched,
            IsMalformed = reader.IsMalformed,
        };
        foreach (var listener in _listeners)
        {
            listener.Span(view);
        }
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> message, int field)
    {
        ReadOnlySpan<byte> name = default;
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            if (reader.FieldNumber == field && reader.WireType == WireType.LengthDelimited)
            {
                name = reader.Value;
            }
        }

        return name;
    }
}
