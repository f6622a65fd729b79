using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Validate;

/// <summary>
/// Spans and log records.
/// <code>
///   Span       trace_id = 1, span_id = 2, parent_span_id = 4, links = 13 *, dropped_links_count = 14
///   Link       trace_id = 1, span_id = 2
///   LogRecord  trace_id = 9, span_id = 10
/// </code>
/// A singular field that comes twice counts with what comes last.
/// </summary>
internal ref partial struct ValidityWalk
{
    private const uint SpanTraceId = ((uint)OtlpFields.Span.TraceId << 3) | Message;
    private const uint SpanSpanId = ((uint)OtlpFields.Span.SpanId << 3) | Message;
    private const uint SpanParentSpanId = ((uint)OtlpFields.Span.ParentSpanId << 3) | Message;
    private const uint SpanLinks = ((uint)OtlpFields.Span.Links << 3) | Message;
    private const uint SpanDroppedLinksCount = ((uint)OtlpFields.Span.DroppedLinksCount << 3) | (uint)WireType.Varint;
    private const uint LinkTraceId = ((uint)OtlpFields.Link.TraceId << 3) | Message;
    private const uint LinkSpanId = ((uint)OtlpFields.Link.SpanId << 3) | Message;
    private const uint LogTraceId = ((uint)OtlpFields.LogRecord.TraceId << 3) | Message;
    private const uint LogSpanId = ((uint)OtlpFields.LogRecord.SpanId << 3) | Message;

    private bool CheckSpan(Field span)
    {
        Field traceId = default, spanId = default, parentId = default, wrongLink = default, linksDropped = default;
        uint count = 0;
        var wrongLinks = 0;
        var mark = Mark();
        var reader = Open(span);
        while (reader.Next())
        {
            var field = new Field(reader, span.ValueOffset);
            switch (field.Tag)
            {
                case SpanTraceId:
                    traceId = field;
                    break;

                case SpanSpanId:
                    spanId = field;
                    break;

                case SpanParentSpanId:
                    parentId = field;
                    break;

                case SpanDroppedLinksCount:
                    linksDropped = field;
                    count = (uint)reader.Varint;
                    break;

                case SpanLinks when CheckOrLeaveOutLink(field, out var isLeftOut):
                    wrongLink = isLeftOut ? field : wrongLink;
                    wrongLinks += isLeftOut ? 1 : 0;
                    break;

                case SpanLinks:
                    return false;

                default:
                    if (!CheckField(_itemShape, field, ItemDepth))
                    {
                        return false;
                    }

                    break;
            }
        }

        if (!CheckRequiredId(traceId, TraceId.Length, span, InvalidReason.TraceId)
            || !CheckRequiredId(spanId, SpanId.Length, span, InvalidReason.SpanId)
            || !CheckOptionalId(parentId, SpanId.Length, span, InvalidReason.ParentSpanId))
        {
            return false;
        }

        if (wrongLinks > 0)
        {
            CountDroppedLinks(linksDropped, wrongLink, count + (uint)wrongLinks, mark);
        }

        return true;
    }

    /// <summary>The count replaces the old one or, as a repeated field need not be contiguous, stands where a link was.</summary>
    private void CountDroppedLinks(Field old, Field link, uint count, int mark)
    {
        var at = old.IsThere ? old : link;
        _findings!.Replace(new Edit(at.Offset, at.End, EditKind.DroppedLinksCount, count, InvalidReason.Link, IsRepair: !old.IsThere), mark);
    }

    /// <summary>False where the span cannot stay; a link that is left out is noted as a repair.</summary>
    private bool CheckOrLeaveOutLink(Field link, out bool isLeftOut)
    {
        var mark = Mark();
        isLeftOut = !CheckLink(link);
        if (isLeftOut && _mends)
        {
            _findings?.ReturnTo(mark);
            Repair(new Edit(link.Offset, link.End, EditKind.Cut, (ulong)link.Parent, InvalidReason.Link, IsRepair: true));
            return true;
        }

        return !isLeftOut;
    }

    private bool CheckLink(Field link)
    {
        Field traceId = default, spanId = default;
        var shape = ChildOf(_itemShape, OtlpFields.Span.Links);
        var reader = Open(link);
        while (reader.Next())
        {
            var field = new Field(reader, link.ValueOffset);
            switch (field.Tag)
            {
                case LinkTraceId:
                    traceId = field;
                    break;

                case LinkSpanId:
                    spanId = field;
                    break;

                default:
                    if (!CheckField(shape, field, ItemDepth + 1))
                    {
                        return false;
                    }

                    break;
            }
        }

        if (reader.IsMalformed)
        {
            return Fail(InvalidReason.Malformed, link.Offset);
        }

        if (traceId.Length is not (0 or TraceId.Length))
        {
            return Fail(InvalidReason.Link, traceId.Offset);
        }

        return spanId.Length is 0 or SpanId.Length || Fail(InvalidReason.Link, spanId.Offset);
    }

    private bool CheckLogRecord(Field record)
    {
        Field traceId = default, spanId = default;
        var reader = Open(record);
        while (reader.Next())
        {
            var field = new Field(reader, record.ValueOffset);
            switch (field.Tag)
            {
                case LogTraceId:
                    traceId = field;
                    break;

                case LogSpanId:
                    spanId = field;
                    break;

                default:
                    if (!CheckField(_itemShape, field, ItemDepth))
                    {
                        return false;
                    }

                    break;
            }
        }

        return CheckOptionalId(traceId, TraceId.Length, record, InvalidReason.TraceId)
            && CheckOptionalId(spanId, SpanId.Length, record, InvalidReason.SpanId);
    }

    private bool CheckRequiredId(Field id, int length, Field item, InvalidReason reason) =>
        (id.Length == length && Value(id).ContainsAnyExcept((byte)0)) || Fail(reason, id.IsThere ? id.Offset : item.Offset);
}
