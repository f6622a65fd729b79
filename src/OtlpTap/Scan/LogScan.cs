using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>
/// The walk over an <c>ExportLogsServiceRequest</c>: counts log records, collects their trace ids, and evaluates the
/// rules that look at log records.
/// <code>
///   request       resource_logs = 1 *
///   ResourceLogs  resource = 1, scope_logs = 2 *
///   ScopeLogs     scope = 1, log_records = 2 *
///   LogRecord     severity_number = 2, severity_text = 3, body = 5, attributes = 6 *, trace_id = 9, span_id = 10, event_name = 12
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/logs/v1/logs.proto
/// <para>
/// A resource or scope may follow what it applies to, so each is looked for first, by a look at the lengths of the fields
/// beside it. Nothing in them makes a request malformed, as without rules they are not read at all.
/// </para>
/// </summary>
internal ref struct LogScan
{
    private readonly ReadOnlySpan<byte> _request;
    private readonly ScanResult _result;
    private readonly CompiledRules _rules;
    private readonly Span<Slot> _slots;
    private readonly Span<ushort> _hits;

    private int _resourceLogsTagOffset;
    private int _scopeLogsTagOffset;

    public LogScan(ReadOnlySpan<byte> request, ScanResult result)
    {
        _request = request;
        _result = result;
        _rules = result.Rules;
        if (_rules.NeedsLogs)
        {
            _slots = result.SlotFrame();
            _hits = result.HitBuffer();
        }
    }

    public bool TryRun(out WireError error)
    {
        var reader = new ProtoReader(_request);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.RequestResources)
            {
                _resourceLogsTagOffset = reader.FieldOffset;
                if (!ScanResourceLogs(reader.ValueOffset, reader.ValueEnd, out error))
                {
                    return false;
                }
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool ScanResourceLogs(int start, int end, out WireError error)
    {
        if (_rules.NeedsLogs)
        {
            FillResource(start, end);
        }

        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.ResourceScopes)
            {
                _scopeLogsTagOffset = reader.FieldOffset;
                if (!ScanScopeLogs(reader.ValueOffset, reader.ValueEnd, out error))
                {
                    return false;
                }
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private bool ScanScopeLogs(int start, int end, out WireError error)
    {
        if (_rules.NeedsLogs)
        {
            FillScope(start, end);
        }

        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag != FieldTags.ScopeItems)
            {
                continue;
            }

            var isValid = _rules.NeedsLogs
                ? ScanLogRecord(reader.FieldOffset, reader.ValueOffset, reader.ValueEnd, out error)
                : ScanIds(reader.ValueOffset, reader.ValueEnd, out error);
            if (!isValid)
            {
                return false;
            }
        }

        error = reader.Error;
        return !reader.IsMalformed;
    }

    private readonly bool ScanIds(int start, int end, out WireError error)
    {
        TraceId traceId = default;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.LogRecordTraceId)
            {
                _ = TraceId.TryRead(reader.Value, out traceId);
            }
        }

        _result.ItemCount++;
        _result.AddTraceId(traceId);
        error = reader.Error;
        return !reader.IsMalformed;
    }

    private readonly bool ScanLogRecord(int tagOffset, int start, int end, out WireError error)
    {
        ClearLog();
        TraceId traceId = default;
        SpanId spanId = default;
        var attributes = new AttributeScan(_request, _rules.LogAttributes, _slots);
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case FieldTags.LogRecordAttributes:
                    _ = attributes.TryScan(reader.ValueOffset, reader.ValueEnd, out _);
                    break;

                case FieldTags.LogRecordTraceId:
                    _ = TraceId.TryRead(reader.Value, out traceId);
                    break;

                case FieldTags.LogRecordSpanId:
                    _ = SpanId.TryRead(reader.Value, out spanId);
                    break;

                case FieldTags.LogRecordSeverityNumber:
                    SetNumber(FixedSlots.LogSeverityNumber, reader.Varint);
                    break;

                case FieldTags.LogRecordSeverityText:
                    SetText(FixedSlots.LogSeverityText, reader.ValueOffset, reader.ValueLength);
                    break;

                case FieldTags.LogRecordBody:
                    attributes.ScanValue(FixedSlots.LogBody, reader.ValueOffset, reader.ValueEnd);
                    break;

                case FieldTags.LogRecordEventName:
                    SetText(FixedSlots.LogEventName, reader.ValueOffset, reader.ValueLength);
                    break;
            }
        }

        error = reader.Error;
        if (reader.IsMalformed)
        {
            return false;
        }

        _result.ItemCount++;
        _result.AddTraceId(traceId);
        var hits = _rules.EvaluateLog(_request, _slots, _hits);
        var alreadyTagged = _slots[FixedSlots.LogTagged].Kind != SlotKind.Missing;
        if ((hits > 0 || alreadyTagged) && !IsTapsOwn())
        {
            AddMatch(tagOffset, start, end - start, traceId, spanId, alreadyTagged, hits);
        }

        return true;
    }

    // What a tap in front found was counted, and has its case, there.
    private readonly bool IsTapsOwn()
    {
        ref readonly var scope = ref _slots[FixedSlots.ScopeName];
        return scope.Kind == SlotKind.String && _request.Slice(scope.Offset, scope.Length).SequenceEqual(TapTelemetry.ScopeNameUtf8);
    }

    private readonly void AddMatch(int tagOffset, int offset, int length, TraceId traceId, SpanId spanId, bool alreadyTagged, int hits)
    {
        ref readonly var serviceName = ref _slots[FixedSlots.ServiceName];
        var match = new SpanMatch
        {
            TraceId = traceId,
            SpanId = spanId,
            SpanOffset = offset,
            SpanLength = length,
            AlreadyTagged = alreadyTagged,
            ServiceNameOffset = serviceName.Kind == SlotKind.String ? serviceName.Offset : 0,
            ServiceNameLength = serviceName.Kind == SlotKind.String ? serviceName.Length : 0,
            ResourceSpansTagOffset = _resourceLogsTagOffset,
            ScopeSpansTagOffset = _scopeLogsTagOffset,
            SpanTagOffset = tagOffset,
        };
        _result.AddMatch(match, _hits[..hits]);
    }

    private readonly void FillResource(int start, int end)
    {
        Range(_rules.ResourceSlots).Clear();
        _slots[FixedSlots.ServiceName] = default;
        var attributes = new AttributeScan(_request, _rules.ResourceAttributes, _slots);
        var fields = new ProtoReader(_request, start, end);
        while (fields.Next())
        {
            if (fields.Tag != FieldTags.Resource)
            {
                continue;
            }

            var resource = new ProtoReader(_request, fields.ValueOffset, fields.ValueEnd);
            while (resource.Next())
            {
                if (resource.Tag == FieldTags.ResourceAttributes)
                {
                    _ = attributes.TryScan(resource.ValueOffset, resource.ValueEnd, out _);
                }
            }
        }
    }

    private readonly void FillScope(int start, int end)
    {
        Range(_rules.ScopeSlots).Clear();
        SetText(FixedSlots.ScopeName, 0, 0);
        SetText(FixedSlots.ScopeVersion, 0, 0);
        var attributes = new AttributeScan(_request, _rules.ScopeAttributes, _slots);
        var fields = new ProtoReader(_request, start, end);
        while (fields.Next())
        {
            if (fields.Tag != FieldTags.Scope)
            {
                continue;
            }

            var scope = new ProtoReader(_request, fields.ValueOffset, fields.ValueEnd);
            while (scope.Next())
            {
                switch (scope.Tag)
                {
                    case FieldTags.ScopeName:
                        SetText(FixedSlots.ScopeName, scope.ValueOffset, scope.ValueLength);
                        break;

                    case FieldTags.ScopeVersion:
                        SetText(FixedSlots.ScopeVersion, scope.ValueOffset, scope.ValueLength);
                        break;

                    case FieldTags.ScopeAttributes:
                        _ = attributes.TryScan(scope.ValueOffset, scope.ValueEnd, out _);
                        break;
                }
            }
        }
    }

    private readonly void ClearLog()
    {
        Range(_rules.LogSlots).Clear();
        SetText(FixedSlots.LogEventName, 0, 0);
        SetNumber(FixedSlots.LogSeverityNumber, 0);
        SetText(FixedSlots.LogSeverityText, 0, 0);

        // Empty, not missing: a key into no body is an error, unlike one into an attribute that is not there.
        _slots[FixedSlots.LogBody] = new Slot { Kind = SlotKind.Empty };
        _slots[FixedSlots.LogTagged] = default;
    }

    private readonly Span<Slot> Range(SlotRange range) => _slots.Slice(range.Start, range.Count);

    private readonly void SetText(int index, int offset, int length)
    {
        ref var slot = ref _slots[index];
        slot.Kind = SlotKind.String;
        slot.Offset = offset;
        slot.Length = length;
    }

    /// <summary>Enumerations are 32 bits wide: the bits above are dropped, as the generated parsers do.</summary>
    private readonly void SetNumber(int index, ulong value)
    {
        ref var slot = ref _slots[index];
        slot.Kind = SlotKind.Int;
        slot.Bits = (int)value;
    }
}
