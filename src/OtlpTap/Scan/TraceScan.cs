using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Wire;

namespace OtlpTap.Scan;

/// <summary>
/// The walk over an <c>ExportTraceServiceRequest</c>.
/// <code>
///   request        resource_spans = 1 *
///   ResourceSpans  resource = 1, scope_spans = 2 *
///   Resource       attributes = 1 *
///   ScopeSpans     scope = 1, spans = 2 *
///   Scope          name = 1, version = 2, attributes = 3 *
///   Span           trace_id = 1, span_id = 2, name = 5, kind = 6, attributes = 9 *, events = 11 *, status = 15
///   Status         message = 2, code = 3
///   Event          name = 2, attributes = 3 *
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
/// <para>
/// Slots of an outer message stay while its inner ones are walked. A resource that follows a scope, or a scope that
/// follows a span, comes too late for them: the enclosing message is then walked again with its resource (scope) first.
/// That happens at most once for each message on each of the two levels, so no input costs more than four walks.
/// </para>
/// </summary>
internal ref struct TraceScan
{
    /// <summary><c>STATUS_CODE_ERROR</c>.</summary>
    private const int ErrorStatus = 2;

    private readonly ReadOnlySpan<byte> _request;
    private readonly ScanResult _result;
    private readonly CompiledRules _rules;
    private readonly Span<Slot> _slots;
    private readonly Span<Slot> _spanSlots;
    private readonly Span<ushort> _hits;

    private int _resourceSpansTagOffset;
    private int _scopeSpansTagOffset;
    private WireError _error;

    public TraceScan(ReadOnlySpan<byte> request, ScanResult result)
    {
        _request = request;
        _result = result;
        _rules = result.Rules;
        _slots = result.SlotFrame();
        _spanSlots = Range(_rules.SpanSlots);
        _hits = result.HitBuffer();
    }

    public bool TryRun(out WireError error)
    {
        var valid = ScanRequest();
        error = _error;
        return valid;
    }

    private bool ScanRequest()
    {
        var reader = new ProtoReader(_request);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.RequestResources)
            {
                _resourceSpansTagOffset = reader.FieldOffset;
                if (!ScanResourceSpans(reader.ValueOffset, reader.ValueEnd))
                {
                    return false;
                }
            }
        }

        return Ended(reader.Error);
    }

    private bool ScanResourceSpans(int start, int end)
    {
        var mark = _result.TakeMark();
        ClearResource();
        var scopesSeen = false;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case FieldTags.Resource when scopesSeen:
                    _result.ReturnTo(mark);
                    return ScanResourceSpansWithResourceFirst(start, end);

                case FieldTags.Resource when !ScanResource(reader.ValueOffset, reader.ValueEnd):
                    return false;

                case FieldTags.ResourceScopes:
                    scopesSeen = true;
                    _scopeSpansTagOffset = reader.FieldOffset;
                    if (!ScanScopeSpans(reader.ValueOffset, reader.ValueEnd))
                    {
                        return false;
                    }

                    break;
            }
        }

        return Ended(reader.Error);
    }

    private bool ScanResourceSpansWithResourceFirst(int start, int end)
    {
        ClearResource();
        var resources = new ProtoReader(_request, start, end);
        while (resources.Next())
        {
            if (resources.Tag == FieldTags.Resource && !ScanResource(resources.ValueOffset, resources.ValueEnd))
            {
                return false;
            }
        }

        if (resources.IsMalformed)
        {
            return Ended(resources.Error);
        }

        var scopes = new ProtoReader(_request, start, end);
        while (scopes.Next())
        {
            if (scopes.Tag == FieldTags.ResourceScopes)
            {
                _scopeSpansTagOffset = scopes.FieldOffset;
                if (!ScanScopeSpans(scopes.ValueOffset, scopes.ValueEnd))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private bool ScanResource(int start, int end)
    {
        var attributes = new AttributeScan(_request, _rules.ResourceAttributes, _slots);
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.ResourceAttributes && !attributes.TryScan(reader.ValueOffset, reader.ValueEnd, out _error))
            {
                return false;
            }
        }

        return Ended(reader.Error);
    }

    private bool ScanScopeSpans(int start, int end)
    {
        var mark = _result.TakeMark();
        ClearScope();
        var spansSeen = false;
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case FieldTags.Scope when spansSeen:
                    _result.ReturnTo(mark);
                    return ScanScopeSpansWithScopeFirst(start, end);

                case FieldTags.Scope when !ScanScope(reader.ValueOffset, reader.ValueEnd):
                    return false;

                case FieldTags.ScopeItems:
                    spansSeen = true;
                    if (!ScanSpan(reader.FieldOffset, reader.ValueOffset, reader.ValueEnd))
                    {
                        return false;
                    }

                    break;
            }
        }

        return Ended(reader.Error);
    }

    private bool ScanScopeSpansWithScopeFirst(int start, int end)
    {
        ClearScope();
        var scopes = new ProtoReader(_request, start, end);
        while (scopes.Next())
        {
            if (scopes.Tag == FieldTags.Scope && !ScanScope(scopes.ValueOffset, scopes.ValueEnd))
            {
                return false;
            }
        }

        if (scopes.IsMalformed)
        {
            return Ended(scopes.Error);
        }

        var spans = new ProtoReader(_request, start, end);
        while (spans.Next())
        {
            if (spans.Tag == FieldTags.ScopeItems && !ScanSpan(spans.FieldOffset, spans.ValueOffset, spans.ValueEnd))
            {
                return false;
            }
        }

        return true;
    }

    private bool ScanScope(int start, int end)
    {
        var attributes = new AttributeScan(_request, _rules.ScopeAttributes, _slots);
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case FieldTags.ScopeName:
                    SetText(FixedSlots.ScopeName, reader.ValueOffset, reader.ValueLength);
                    break;

                case FieldTags.ScopeVersion:
                    SetText(FixedSlots.ScopeVersion, reader.ValueOffset, reader.ValueLength);
                    break;

                case FieldTags.ScopeAttributes when !attributes.TryScan(reader.ValueOffset, reader.ValueEnd, out _error):
                    return false;
            }
        }

        return Ended(reader.Error);
    }

    private bool ScanSpan(int tagOffset, int start, int end)
    {
        ClearSpan();
        TraceId traceId = default;
        SpanId spanId = default;
        var firstEventOffset = -1;
        var attributes = new AttributeScan(_request, _rules.SpanAttributes, _slots);
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            // Before the switch: it is half of all fields.
            if (reader.Tag == FieldTags.SpanAttributes)
            {
                if (!attributes.TryScan(reader.ValueOffset, reader.ValueEnd, out _error))
                {
                    return false;
                }

                continue;
            }

            switch (reader.Tag)
            {
                // An id of another length is no id; the backend is the one to say so.
                case FieldTags.SpanTraceId:
                    _ = TraceId.TryRead(reader.Value, out traceId);
                    break;

                case FieldTags.SpanSpanId:
                    _ = SpanId.TryRead(reader.Value, out spanId);
                    break;

                case FieldTags.SpanName:
                    SetText(FixedSlots.SpanName, reader.ValueOffset, reader.ValueLength);
                    break;

                case FieldTags.SpanKind:
                    SetNumber(FixedSlots.SpanKind, reader.Varint);
                    break;

                case FieldTags.SpanEvents when firstEventOffset < 0:
                    firstEventOffset = reader.FieldOffset;
                    break;

                case FieldTags.SpanStatus when !ScanStatus(reader.ValueOffset, reader.ValueEnd):
                    return false;
            }
        }

        if (reader.IsMalformed)
        {
            return Ended(reader.Error);
        }

        _result.ItemCount++;
        _result.AddTraceId(traceId);
        if (_slots[FixedSlots.StatusCode].Bits == ErrorStatus)
        {
            _result.ErrorCount++;
        }

        var hits = _rules.EvaluateSpan(_request, _slots, _hits);
        if (firstEventOffset >= 0 && _rules.NeedsEvents)
        {
            hits = EvaluateEvents(firstEventOffset, end, hits);
        }

        var alreadyTagged = _slots[FixedSlots.SpanTagged].Kind != SlotKind.Missing;
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

    private bool ScanStatus(int start, int end)
    {
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case FieldTags.StatusCode:
                    SetNumber(FixedSlots.StatusCode, reader.Varint);
                    break;

                case FieldTags.StatusMessage:
                    SetText(FixedSlots.StatusMessage, reader.ValueOffset, reader.ValueLength);
                    break;
            }
        }

        return Ended(reader.Error);
    }

    /// <summary>A second look at the span, from its first event on, now that its own slots are filled.</summary>
    /// <returns>How many rules hit on the span or one of its events; each once, in the order of the rules.</returns>
    private readonly int EvaluateEvents(int firstEventOffset, int spanEnd, int hits)
    {
        var eventHits = _hits[_rules.Count..];
        var reader = new ProtoReader(_request, firstEventOffset, spanEnd);
        while (reader.Next())
        {
            if (reader.Tag == FieldTags.SpanEvents && TryFillEvent(reader.ValueOffset, reader.ValueEnd))
            {
                var count = _rules.EvaluateEvent(_request, _slots, eventHits);
                foreach (var rule in eventHits[..count])
                {
                    hits = InsertHit(hits, rule);
                }
            }
        }

        return hits;
    }

    private readonly int InsertHit(int hits, ushort rule)
    {
        var at = _hits[..hits].BinarySearch(rule);
        if (at >= 0)
        {
            return hits;
        }

        at = ~at;
        _hits[at..hits].CopyTo(_hits[(at + 1)..]);
        _hits[at] = rule;
        return hits + 1;
    }

    /// <summary>False for a malformed event: no rule is asked about it.</summary>
    private readonly bool TryFillEvent(int start, int end)
    {
        Range(_rules.EventSlots).Clear();
        SetText(FixedSlots.EventName, start, 0);
        var attributes = new AttributeScan(_request, _rules.EventAttributes, _slots);
        var reader = new ProtoReader(_request, start, end);
        while (reader.Next())
        {
            switch (reader.Tag)
            {
                case FieldTags.EventName:
                    SetText(FixedSlots.EventName, reader.ValueOffset, reader.ValueLength);
                    break;

                case FieldTags.EventAttributes when !attributes.TryScan(reader.ValueOffset, reader.ValueEnd, out _):
                    return false;
            }
        }

        return !reader.IsMalformed;
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
            ResourceSpansTagOffset = _resourceSpansTagOffset,
            ScopeSpansTagOffset = _scopeSpansTagOffset,
            SpanTagOffset = tagOffset,
        };
        _result.AddMatch(match, _hits[..hits]);
    }

    private readonly void ClearResource()
    {
        Range(_rules.ResourceSlots).Clear();
        _slots[FixedSlots.ServiceName] = default;
    }

    private readonly void ClearScope()
    {
        Range(_rules.ScopeSlots).Clear();
        SetText(FixedSlots.ScopeName, 0, 0);
        SetText(FixedSlots.ScopeVersion, 0, 0);
    }

    private readonly void ClearSpan()
    {
        _spanSlots.Clear();
        SetText(FixedSlots.SpanName, 0, 0);
        SetNumber(FixedSlots.SpanKind, 0);
        SetNumber(FixedSlots.StatusCode, 0);
        SetText(FixedSlots.StatusMessage, 0, 0);
        _slots[FixedSlots.SpanTagged] = default;
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

    // By value: a reader whose address is taken lives in memory, not in registers.
    private bool Ended(WireError error)
    {
        _error = error;
        return error.Kind == WireErrorKind.None;
    }
}
