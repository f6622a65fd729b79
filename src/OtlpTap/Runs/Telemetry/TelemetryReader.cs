using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Runs.Telemetry;

/// <summary>
/// Reads the spans, or the log records, of a serialized export request. What is malformed ends the message it stands
/// in; what came before it counts.
/// </summary>
internal ref struct TelemetryReader
{
    private readonly ReadOnlySpan<byte> _request;
    private readonly RunLimits _limits;
    private readonly KeyNames _keys;
    private readonly RunInput _input;
    private AnyValueReader _values;

    public TelemetryReader(ReadOnlySpan<byte> request, RunLimits limits, KeyNames keys, RunInput input)
    {
        _request = request;
        _limits = limits;
        _keys = keys;
        _input = input;
        _values = new AnyValueReader(request, limits, input.LengthLeft);
    }

    // ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }; ResourceSpans { Resource resource = 1;
    // repeated ScopeSpans scope_spans = 2; }; ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }.
    // Requests, resources and scopes of logs have the same numbers.
    public void ReadSpans() => ReadResources(isLogs: false);

    public void ReadLogs() => ReadResources(isLogs: true);

    private void ReadResources(bool isLogs)
    {
        var request = new ProtoReader(_request);
        while (request.Next())
        {
            if (request is { FieldNumber: OtlpFields.TraceRequest.ResourceSpans, WireType: WireType.LengthDelimited })
            {
                ReadResource(request.ValueOffset, request.ValueEnd, isLogs);
            }
        }

        _input.LengthLeft = _values.LengthLeft;
        _input.IsCut |= _values.IsCut;
    }

    private void ReadResource(int start, int end, bool isLogs)
    {
        // The resource may stand behind the spans: it is read first.
        var attributes = new AttributeSet(_limits);
        var resource = new ProtoReader(_request, start, end);
        while (resource.Next())
        {
            if (resource is { FieldNumber: OtlpFields.ResourceSpans.Resource, WireType: WireType.LengthDelimited })
            {
                attributes = ReadAttributes(resource.ValueOffset, resource.ValueEnd, OtlpFields.Resource.Attributes);
            }
        }

        var service = attributes.Text("service.name") ?? "";
        var version = attributes.Text("service.version") ?? "";
        resource = new ProtoReader(_request, start, end);
        while (resource.Next())
        {
            // What taps tell of their verdicts is no step of the agent.
            if (resource is { FieldNumber: OtlpFields.ResourceSpans.ScopeSpans, WireType: WireType.LengthDelimited } && !TapTelemetry.IsIn(resource.Value))
            {
                ReadScope(resource.ValueOffset, resource.ValueEnd, service, version, isLogs);
            }
        }
    }

    private void ReadScope(int start, int end, string service, string version, bool isLogs)
    {
        var name = "";
        var scope = new ProtoReader(_request, start, end);
        while (scope.Next())
        {
            if (scope is { FieldNumber: OtlpFields.ScopeSpans.Scope, WireType: WireType.LengthDelimited })
            {
                var fields = new ProtoReader(_request, scope.ValueOffset, scope.ValueEnd);
                while (fields.Next())
                {
                    if (fields is { FieldNumber: OtlpFields.Scope.Name, WireType: WireType.LengthDelimited })
                    {
                        name = _values.Text(fields.Value);
                    }
                }
            }
        }

        var origin = new Origin(service, version, name);
        scope = new ProtoReader(_request, start, end);
        while (scope.Next())
        {
            if (scope is { FieldNumber: OtlpFields.ScopeSpans.Spans, WireType: WireType.LengthDelimited })
            {
                if (isLogs)
                {
                    ReadLog(scope.ValueOffset, scope.ValueEnd);
                }
                else
                {
                    ReadSpan(scope.ValueOffset, scope.ValueEnd, origin);
                }
            }
        }
    }

    private void ReadSpan(int start, int end, Origin origin)
    {
        var head = default(SpanHead);
        var name = "";
        var status = StepStatus.Unset;
        var statusMessage = "";
        List<EventRecord>? events = null;
        List<(TraceId, SpanId)>? links = null;
        if (!TryReadTrace(start, end, OtlpFields.Span.TraceId, ref head.TraceId) || !_input.HasRoomFor(head.TraceId))
        {
            return;
        }

        var span = new ProtoReader(_request, start, end);
        while (span.Next())
        {
            if (head.TryTake(span.Tag, span.Value))
            {
                continue;
            }

            switch (span.FieldNumber, span.WireType)
            {
                case (OtlpFields.Span.Name, WireType.LengthDelimited):
                    name = _values.Text(span.Value);
                    break;
                case (OtlpFields.Span.Events, WireType.LengthDelimited) when (events?.Count ?? 0) < _limits.EventsMax:
                    (events ??= []).Add(ReadEvent(span.ValueOffset, span.ValueEnd));
                    break;
                case (OtlpFields.Span.Links, WireType.LengthDelimited) when (links?.Count ?? 0) < _limits.LinksMax:
                    ReadLink(span.ValueOffset, span.ValueEnd, links ??= []);
                    break;
                case (OtlpFields.Span.Status, WireType.LengthDelimited):
                    ReadStatus(span.ValueOffset, span.ValueEnd, ref status, ref statusMessage);
                    break;
            }
        }

        _input.Add(new SpanRecord
        {
            TraceId = head.TraceId,
            SpanId = head.SpanId,
            ParentId = head.ParentId,
            Name = name,
            StartUnixNano = head.StartUnixNano,
            EndUnixNano = head.EndUnixNano,
            Status = status,
            StatusMessage = statusMessage,
            Attributes = ReadAttributes(start, end, OtlpFields.Span.Attributes),
            Events = events ?? [],
            Links = links ?? [],
            Origin = origin,
        });
    }

    private readonly bool TryReadTrace(int start, int end, int field, ref TraceId trace)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.FieldNumber == field && reader.WireType == WireType.LengthDelimited)
            {
                TraceId.TryRead(reader.Value, out trace);
            }
        }

        return !trace.IsZero;
    }

    private EventRecord ReadEvent(int start, int end)
    {
        var name = "";
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.Event.Name, WireType: WireType.LengthDelimited })
            {
                name = _values.Text(reader.Value);
            }
        }

        return new EventRecord(name, ReadAttributes(start, end, OtlpFields.Event.Attributes), default);
    }

    private readonly void ReadLink(int start, int end, List<(TraceId, SpanId)> links)
    {
        TraceId trace = default;
        SpanId span = default;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (OtlpFields.Link.TraceId, WireType.LengthDelimited):
                    TraceId.TryRead(reader.Value, out trace);
                    break;
                case (OtlpFields.Link.SpanId, WireType.LengthDelimited):
                    SpanId.TryRead(reader.Value, out span);
                    break;
            }
        }

        links.Add((trace, span));
    }

    private void ReadStatus(int start, int end, ref StepStatus status, ref string message)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (OtlpFields.Status.Message, WireType.LengthDelimited):
                    message = _values.Text(reader.Value);
                    break;
                case (OtlpFields.Status.Code, WireType.Varint):
                    status = reader.Varint switch { 1 => StepStatus.Ok, 2 => StepStatus.Error, _ => StepStatus.Unset };
                    break;
            }
        }
    }

    private void ReadLog(int start, int end)
    {
        TraceId trace = default;
        SpanId span = default;
        var name = "";
        AttributeValue body = default;
        if (!TryReadTrace(start, end, OtlpFields.LogRecord.TraceId, ref trace) || !_input.Knows(trace))
        {
            return;
        }

        var record = new ProtoReader(_request, start, end);
        while (record.Next())
        {
            switch (record.FieldNumber, record.WireType)
            {
                case (OtlpFields.LogRecord.SpanId, WireType.LengthDelimited):
                    SpanId.TryRead(record.Value, out span);
                    break;
                case (OtlpFields.LogRecord.EventName, WireType.LengthDelimited):
                    name = _values.Text(record.Value);
                    break;
                case (OtlpFields.LogRecord.Body, WireType.LengthDelimited):
                    body = _values.Read(record.ValueOffset, record.ValueEnd);
                    break;
            }
        }

        var attributes = ReadAttributes(start, end, OtlpFields.LogRecord.Attributes);
        _input.Add(trace, span, new EventRecord(name.Length > 0 ? name : attributes.Text("event.name") ?? "", attributes, body));
    }

    // KeyValue { string key = 1; AnyValue value = 2; }
    private AttributeSet ReadAttributes(int start, int end, int field)
    {
        var attributes = new AttributeSet(_limits);
        var message = new ProtoReader(_request, start, end);
        while (message.Next())
        {
            if (message.FieldNumber != field || message.WireType != WireType.LengthDelimited)
            {
                continue;
            }

            string? key = null;
            AttributeValue value = default;
            var attribute = new ProtoReader(_request, message.ValueOffset, message.ValueEnd);
            while (attribute.Next())
            {
                switch (attribute.FieldNumber, attribute.WireType)
                {
                    case (OtlpFields.KeyValue.Key, WireType.LengthDelimited):
                        key = _keys.Name(attribute.Value);
                        break;
                    case (OtlpFields.KeyValue.Value, WireType.LengthDelimited):
                        value = _values.Read(attribute.ValueOffset, attribute.ValueEnd);
                        break;
                }
            }

            if (key is not null)
            {
                if (attributes.Count == _limits.AttributesMax)
                {
                    _input.IsCut = true;
                    break;
                }

                attributes.Add(key, value);
            }
        }

        return attributes;
    }
}
