using System.Text;
using OtlpTap.Otlp;
using OtlpTap.Wire;

namespace OtlpTap.Causes;

/// <summary>
/// Reads from a span's bytes what it says of its failure.
/// <code>
///   Span    span_id = 2, parent_span_id = 4, start = 7, end = 8, attributes = 9 *, events = 11 *, status = 15
///   Status  message = 2, code = 3
///   Event   name = 2, attributes = 3 *
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
/// <para>What is malformed in an event or a value is passed over, as the scan does.</para>
/// </summary>
internal static class SpanFailure
{
    private const int ErrorStatus = 2;

    /// <summary>Exceptions are few, and stand first and last; a span may have thousands of other events.</summary>
    private const int EventsMax = 256;

    /// <param name="failures">What rules found on it; empty for a span that is only an error.</param>
    public static FailingSpan Read(ReadOnlySpan<byte> request, int start, int end, IReadOnlyList<string> failures)
    {
        var parts = new Parts();
        var events = 0;
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (OtlpFields.Span.SpanId, WireType.LengthDelimited):
                    _ = SpanId.TryRead(reader.Value, out parts.SpanId);
                    break;
                case (OtlpFields.Span.ParentSpanId, WireType.LengthDelimited):
                    _ = SpanId.TryRead(reader.Value, out parts.ParentId);
                    break;
                case (OtlpFields.Span.StartTimeUnixNano, WireType.Fixed64):
                    parts.Start = reader.Fixed64;
                    break;
                case (OtlpFields.Span.EndTimeUnixNano, WireType.Fixed64):
                    parts.End = reader.Fixed64;
                    break;
                case (OtlpFields.Span.Attributes, WireType.LengthDelimited):
                    ReadAttribute(request, reader.ValueOffset, reader.ValueEnd, parts);
                    break;
                case (OtlpFields.Span.Events, WireType.LengthDelimited) when events++ < EventsMax:
                    ReadEvent(request, reader.ValueOffset, reader.ValueEnd, parts);
                    break;
                case (OtlpFields.Span.Status, WireType.LengthDelimited):
                    ReadStatus(request, reader.ValueOffset, reader.ValueEnd, parts);
                    break;
            }
        }

        return new FailingSpan
        {
            SpanId = parts.SpanId,
            ParentId = parts.ParentId,
            Start = parts.Start,
            End = parts.End,
            Failures = failures,
            IsError = parts.IsError,
            Messages = parts.Messages,
            Types = parts.Types,
            FinishReason = parts.FinishReason,
            IsModelCall = parts.IsModelCall,
            IsFrame = parts.IsFrame,
            IsNamingSources = parts.IsNamingSources,
            IsSource = parts.IsSource,
        };
    }

    private static void ReadStatus(ReadOnlySpan<byte> request, int start, int end, Parts parts)
    {
        var status = new ProtoReader(request, start, end);
        while (status.Next())
        {
            switch (status.FieldNumber, status.WireType)
            {
                case (OtlpFields.Status.Code, WireType.Varint):
                    parts.IsError |= (int)status.Varint == ErrorStatus;
                    break;
                case (OtlpFields.Status.Message, WireType.LengthDelimited):
                    FailingSpan.AddMessage(parts.Messages, Text(status.Value));
                    break;
            }
        }
    }

    private static void ReadAttribute(ReadOnlySpan<byte> request, int start, int end, Parts parts)
    {
        var key = KeyAndValue(request, start, end, out var value);
        if (key.SequenceEqual("error.type"u8))
        {
            parts.IsError = true;
            FailingSpan.AddType(parts.Types, Text(StringOf(value)));
        }
        else if (key.SequenceEqual("langfuse.observation.level"u8))
        {
            parts.IsError |= StringOf(value).SequenceEqual("ERROR"u8);
        }
        else if (key.SequenceEqual("langfuse.observation.status_message"u8))
        {
            FailingSpan.AddMessage(parts.Messages, Text(StringOf(value)));
        }
        else if (key.SequenceEqual("gen_ai.response.finish_reasons"u8))
        {
            parts.FinishReason = Text(value);
        }
        else if (key.SequenceEqual("gen_ai.operation.name"u8))
        {
            var operation = StringOf(value);
            parts.IsModelCall = operation.SequenceEqual("chat"u8) || operation.SequenceEqual("generate_content"u8) || operation.SequenceEqual("text_completion"u8);
        }
        else if (key.SequenceEqual("traceloop.span.kind"u8))
        {
            var kind = StringOf(value);
            parts.IsFrame = kind.SequenceEqual("workflow"u8) || kind.SequenceEqual("agent"u8);
        }
        else if (key.SequenceEqual("genkit:isFailureSource"u8))
        {
            // AnyValue { bool_value = 2 }: 10 01.
            parts.IsSource = value.SequenceEqual((ReadOnlySpan<byte>)[0x10, 0x01]);
        }
        else if (key.SequenceEqual("genkit:type"u8))
        {
            parts.IsNamingSources = true;
        }
    }

    private static void ReadEvent(ReadOnlySpan<byte> request, int start, int end, Parts parts)
    {
        var isException = false;
        var name = new ProtoReader(request, start, end);
        while (name.Next())
        {
            if (name is { FieldNumber: OtlpFields.Event.Name, WireType: WireType.LengthDelimited })
            {
                isException = name.Value.SequenceEqual("exception"u8);
            }
        }

        if (!isException)
        {
            return;
        }

        parts.IsError = true;
        var attributes = new ProtoReader(request, start, end);
        while (attributes.Next())
        {
            if (attributes is { FieldNumber: OtlpFields.Event.Attributes, WireType: WireType.LengthDelimited })
            {
                var key = KeyAndValue(request, attributes.ValueOffset, attributes.ValueEnd, out var value);
                if (key.SequenceEqual("exception.message"u8))
                {
                    FailingSpan.AddMessage(parts.Messages, Text(StringOf(value)));
                }
                else if (key.SequenceEqual("exception.type"u8))
                {
                    FailingSpan.AddType(parts.Types, Text(StringOf(value)));
                }
            }
        }
    }

    private static ReadOnlySpan<byte> KeyAndValue(ReadOnlySpan<byte> request, int start, int end, out ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> key = default;
        value = default;
        var attribute = new ProtoReader(request, start, end);
        while (attribute.Next())
        {
            switch (attribute.FieldNumber, attribute.WireType)
            {
                case (OtlpFields.KeyValue.Key, WireType.LengthDelimited):
                    key = attribute.Value;
                    break;
                case (OtlpFields.KeyValue.Value, WireType.LengthDelimited):
                    value = attribute.Value;
                    break;
            }
        }

        return key;
    }

    private static ReadOnlySpan<byte> StringOf(ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> text = default;
        var any = new ProtoReader(value);
        while (any.Next())
        {
            text = any is { FieldNumber: OtlpFields.AnyValue.StringValue, WireType: WireType.LengthDelimited } ? any.Value : default;
        }

        return text;
    }

    // Four bytes a character at most: more of a megabyte of text is never looked at.
    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, 4 * FailingSpan.TextLengthMax)]);

    private sealed class Parts
    {
        public SpanId SpanId;
        public SpanId ParentId;
        public ulong Start;
        public ulong End;
        public bool IsError;
        public bool IsModelCall;
        public bool IsFrame;
        public bool IsNamingSources;
        public bool IsSource;
        public string FinishReason = "";

        public List<string> Messages { get; } = [];

        public List<string> Types { get; } = [];
    }
}
