using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Unicode;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Redact;

/// <summary>
/// Redacts every text of a serialized <c>ExportTraceServiceRequest</c> or <c>ExportLogsServiceRequest</c>: names,
/// attributes and their keys, bodies, events, status messages, resources, scopes. Ids, times and numbers stay, but for
/// numbers of cards.
/// <para>
/// Works on the bytes: the places that change are collected with the lengths around them, and the rest is copied. What the
/// messages cannot be read for has no place in OTLP/JSON either.
/// </para>
/// </summary>
internal sealed class RequestRedactor(Redactor redactor)
{
    private static readonly SearchValues<byte> ControlCharacters = SearchValues.Create([.. Enumerable.Range(0, 32).Select(static code => (byte)code).Except("\t\n\r\e"u8.ToArray()), 0x7f]);

    private readonly List<Edit> _edits = [];
    private readonly ArrayBufferWriter<byte> _new = new();
    private readonly ArrayBufferWriter<byte> _text = new();

    private enum Shape : byte
    {
        None,
        TraceRequest,
        LogsRequest,
        ResourceSpans,
        ResourceLogs,
        Resource,
        ScopeSpans,
        ScopeLogs,
        Scope,
        Span,
        Event,
        Link,
        Status,
        LogRecord,
        KeyValue,
        AnyValue,
        ArrayValue,
        KeyValueList,
        Text,
    }

    /// <summary>The same array when nothing was found.</summary>
    public byte[] Redact(Signal signal, byte[] request)
    {
        if (!redactor.IsEnabled)
        {
            return request;
        }

        _edits.Clear();
        _new.ResetWrittenCount();
        Visit(request, 0, request.Length, signal == Signal.Logs ? Shape.LogsRequest : Shape.TraceRequest, default, 0);
        return _edits.Count == 0 ? request : Apply(request);
    }

    // Which fields of a message are texts, and which are messages.
    private static Shape FieldOf(Shape shape, int field) => (shape, field) switch
    {
        (Shape.TraceRequest, OtlpFields.TraceRequest.ResourceSpans) => Shape.ResourceSpans,
        (Shape.LogsRequest, OtlpFields.LogsRequest.ResourceLogs) => Shape.ResourceLogs,
        (Shape.ResourceSpans, OtlpFields.ResourceSpans.Resource) => Shape.Resource,
        (Shape.ResourceSpans, OtlpFields.ResourceSpans.ScopeSpans) => Shape.ScopeSpans,
        (Shape.ResourceLogs, OtlpFields.ResourceLogs.Resource) => Shape.Resource,
        (Shape.ResourceLogs, OtlpFields.ResourceLogs.ScopeLogs) => Shape.ScopeLogs,
        (Shape.Resource, OtlpFields.Resource.Attributes) => Shape.KeyValue,
        (Shape.ScopeSpans, OtlpFields.ScopeSpans.Scope) => Shape.Scope,
        (Shape.ScopeSpans, OtlpFields.ScopeSpans.Spans) => Shape.Span,
        (Shape.ScopeLogs, OtlpFields.ScopeLogs.Scope) => Shape.Scope,
        (Shape.ScopeLogs, OtlpFields.ScopeLogs.LogRecords) => Shape.LogRecord,
        (Shape.Scope, OtlpFields.Scope.Name) => Shape.Text,
        (Shape.Scope, OtlpFields.Scope.Attributes) => Shape.KeyValue,
        (Shape.Span, OtlpFields.Span.Name) => Shape.Text,
        (Shape.Span, OtlpFields.Span.TraceState) => Shape.Text,
        (Shape.Span, OtlpFields.Span.Attributes) => Shape.KeyValue,
        (Shape.Span, OtlpFields.Span.Events) => Shape.Event,
        (Shape.Span, OtlpFields.Span.Links) => Shape.Link,
        (Shape.Span, OtlpFields.Span.Status) => Shape.Status,
        (Shape.Event, OtlpFields.Event.Name) => Shape.Text,
        (Shape.Event, OtlpFields.Event.Attributes) => Shape.KeyValue,
        (Shape.Link, OtlpFields.Link.TraceState) => Shape.Text,
        (Shape.Link, OtlpFields.Link.Attributes) => Shape.KeyValue,
        (Shape.Status, OtlpFields.Status.Message) => Shape.Text,
        (Shape.LogRecord, OtlpFields.LogRecord.SeverityText) => Shape.Text,
        (Shape.LogRecord, OtlpFields.LogRecord.Body) => Shape.AnyValue,
        (Shape.LogRecord, OtlpFields.LogRecord.Attributes) => Shape.KeyValue,
        (Shape.LogRecord, OtlpFields.LogRecord.EventName) => Shape.Text,
        (Shape.KeyValue, OtlpFields.KeyValue.Key) => Shape.Text,
        (Shape.KeyValue, OtlpFields.KeyValue.Value) => Shape.AnyValue,
        (Shape.AnyValue, OtlpFields.AnyValue.StringValue) => Shape.Text,
        (Shape.AnyValue, OtlpFields.AnyValue.ArrayValue) => Shape.ArrayValue,
        (Shape.AnyValue, OtlpFields.AnyValue.KvlistValue) => Shape.KeyValueList,
        (Shape.ArrayValue, OtlpFields.ArrayValue.Values) => Shape.AnyValue,
        (Shape.KeyValueList, OtlpFields.KeyValueList.Values) => Shape.KeyValue,
        _ => Shape.None,
    };

    /// <summary>Collects the edits of a message and answers by how many bytes it grows.</summary>
    /// <param name="key">The name of what the message is the value of.</param>
    private int Visit(byte[] request, int start, int end, Shape shape, ReadOnlySpan<byte> key, int depth)
    {
        var grown = 0;
        if (shape == Shape.KeyValue)
        {
            key = KeyAndValue.Read(request.AsSpan(start, end - start)).Key;
        }

        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            if (shape == Shape.AnyValue && TryReplaceValue(request, reader, key, out var replaced))
            {
                grown += replaced;
                continue;
            }

            if (reader.WireType != WireType.LengthDelimited)
            {
                continue;
            }

            var field = FieldOf(shape, reader.FieldNumber);
            if (field == Shape.Text)
            {
                // A key has no name of its own.
                grown += VisitText(request, reader, shape == Shape.KeyValue ? default : key);
            }
            else if (field != Shape.None)
            {
                grown += VisitMessage(request, reader, field, key, depth);
            }
        }

        return grown;
    }

    private int VisitMessage(byte[] request, in ProtoReader reader, Shape shape, ReadOnlySpan<byte> key, int depth)
    {
        if (shape == Shape.AnyValue && ++depth > OtlpJson.AnyValueDepthMax)
        {
            // Not written as OTLP/JSON either; and no stack is endless.
            return Replace(reader.FieldOffset, reader.ValueEnd, []);
        }

        if (shape == Shape.KeyValue && redactor.Mode == RedactMode.Drop && redactor.KindOf(KeyAndValue.Read(reader.Value).Key) is { } kind)
        {
            redactor.Counts[(int)kind]++;
            return Replace(reader.FieldOffset, reader.ValueEnd, []);
        }

        // The length in front changes when something inside does: its place among the edits is before theirs.
        var place = _edits.Count;
        _edits.Add(default);
        var grown = Visit(request, reader.ValueOffset, reader.ValueEnd, shape, key, depth);
        if (_edits.Count == place + 1)
        {
            _edits.RemoveAt(place);
            return 0;
        }

        var header = HeaderOf(reader.Tag, reader.ValueLength + grown);
        _edits[place] = new Edit(reader.FieldOffset, reader.ValueOffset - reader.FieldOffset, header.Start, header.Length);
        return grown + header.Length - (reader.ValueOffset - reader.FieldOffset);
    }

    private int VisitText(byte[] request, in ProtoReader reader, ReadOnlySpan<byte> key)
    {
        _text.ResetWrittenCount();
        return redactor.TryRedact(reader.Value, key, _text) ? ReplaceField(reader.Tag, reader.FieldOffset, reader.ValueEnd) : 0;
    }

    /// <summary>A value whose name says all, a number, or bytes that are a text.</summary>
    private bool TryReplaceValue(byte[] request, in ProtoReader reader, ReadOnlySpan<byte> key, out int grown)
    {
        grown = 0;
        _text.ResetWrittenCount();
        if (reader.FieldNumber is OtlpFields.AnyValue.ArrayValue or OtlpFields.AnyValue.KvlistValue or OtlpFields.AnyValue.BytesValue && redactor.IsNamed(key))
        {
            redactor.WritePlaceholder(reader.Value, Sensitive.Attribute, _text);
        }
        else if (reader is { FieldNumber: OtlpFields.AnyValue.IntValue, WireType: WireType.Varint })
        {
            Span<byte> digits = stackalloc byte[20];
            _ = ((long)reader.Varint).TryFormat(digits, out var length, provider: System.Globalization.CultureInfo.InvariantCulture);
            if ((redactor.KindOf(key) ?? Redactor.IsSensitiveNumber(digits[..length], key)) is not { } kind)
            {
                return false;
            }

            redactor.WritePlaceholder(digits[..length], kind, _text);
        }
        else if (reader is { FieldNumber: OtlpFields.AnyValue.DoubleValue, WireType: WireType.Fixed64 } && redactor.KindOf(key) is { } kind)
        {
            redactor.WritePlaceholder(Encoding.ASCII.GetBytes(BitConverter.UInt64BitsToDouble(reader.Fixed64).ToString(System.Globalization.CultureInfo.InvariantCulture)), kind, _text);
        }
        else if (reader is { FieldNumber: OtlpFields.AnyValue.BytesValue, WireType: WireType.LengthDelimited } && IsText(reader.Value))
        {
            if (!redactor.TryRedact(reader.Value, key, _text))
            {
                return false;
            }

            grown = ReplaceField(reader.Tag, reader.FieldOffset, reader.ValueEnd);
            return true;
        }
        else
        {
            return false;
        }

        grown = ReplaceField(ProtoWriter.TagOf(OtlpFields.AnyValue.StringValue, WireType.LengthDelimited), reader.FieldOffset, reader.ValueEnd);
        return true;
    }

    // Also in an encoding of before UTF-8, or cut within a character; a picture has control characters.
    private static bool IsText(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) || !bytes.ContainsAny(ControlCharacters);

    /// <summary>The field gets what stands in <see cref="_text"/>.</summary>
    private int ReplaceField(uint tag, int start, int end)
    {
        var at = _new.WrittenCount;
        ProtoWriter.WriteLengthDelimited(_new, tag, _text.WrittenSpan);
        _edits.Add(new Edit(start, end - start, at, _new.WrittenCount - at));
        return _new.WrittenCount - at - (end - start);
    }

    private int Replace(int start, int end, ReadOnlySpan<byte> with)
    {
        var at = _new.WrittenCount;
        _new.Write(with);
        _edits.Add(new Edit(start, end - start, at, with.Length));
        return with.Length - (end - start);
    }

    private (int Start, int Length) HeaderOf(uint tag, int length)
    {
        var at = _new.WrittenCount;
        ProtoWriter.WriteVarint(_new, tag);
        ProtoWriter.WriteVarint(_new, (uint)length);
        return (at, _new.WrittenCount - at);
    }

    private byte[] Apply(byte[] request)
    {
        var length = request.Length + _edits.Sum(static edit => edit.NewLength - edit.OldLength);
        var redacted = new byte[length];
        var (read, written) = (0, 0);
        foreach (var edit in _edits)
        {
            var kept = request.AsSpan(read, edit.OldStart - read);
            kept.CopyTo(redacted.AsSpan(written));
            written += kept.Length;
            _new.WrittenSpan.Slice(edit.NewStart, edit.NewLength).CopyTo(redacted.AsSpan(written));
            written += edit.NewLength;
            read = edit.OldStart + edit.OldLength;
        }

        request.AsSpan(read).CopyTo(redacted.AsSpan(written));
        Debug.Assert(written + request.Length - read == length, "What was measured was written.");
        return redacted;
    }

    /// <summary>A piece of the request and the piece of the new bytes in its place.</summary>
    private readonly record struct Edit(int OldStart, int OldLength, int NewStart, int NewLength);
}
