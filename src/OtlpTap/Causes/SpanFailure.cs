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
        var head = default(SpanHead);
        var parts = new Parts();
        var events = 0;
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            if (head.TryTake(reader.Tag, reader.Value))
            {
                continue;
            }

            switch (reader.FieldNumber, reader.WireType)
            {
                case (OtlpFields.Span.Attributes, WireType.LengthDelimited):
                    ReadAttribute(KeyAndValue.Read(reader.Value), parts);
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
            SpanId = head.SpanId,
            ParentId = head.ParentId,
            Start = head.StartUnixNano,
            End = head.EndUnixNano,
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

    private static void ReadAttribute(in KeyAndValue attribute, Parts parts)
    {
        var key = attribute.Key;
        if (key.SequenceEqual("error.type"u8))
        {
            parts.IsError = true;
            FailingSpan.AddType(parts.Types, Text(attribute.Text));
        }
        else if (key.SequenceEqual("langfuse.observation.level"u8))
        {
            parts.IsError |= attribute.Text.SequenceEqual("ERROR"u8);
        }
        else if (key.SequenceEqual("langfuse.observation.status_message"u8))
        {
            FailingSpan.AddMessage(parts.Messages, Text(attribute.Text));
        }
        else if (key.SequenceEqual("gen_ai.response.finish_reasons"u8))
        {
            parts.FinishReason = Text(attribute.Value);
        }
        else if (key.SequenceEqual("gen_ai.operation.name"u8))
        {
            var operation = attribute.Text;
            parts.IsModelCall = operation.SequenceEqual("chat"u8) || operation.SequenceEqual("generate_content"u8) || operation.SequenceEqual("text_completion"u8);
        }
        else if (key.SequenceEqual("traceloop.span.kind"u8))
        {
            var kind = attribute.Text;
            parts.IsFrame = kind.SequenceEqual("workflow"u8) || kind.SequenceEqual("agent"u8);
        }
        else if (key.SequenceEqual("genkit:isFailureSource"u8))
        {
            // AnyValue { bool_value = 2 }: 10 01.
            parts.IsSource = attribute.Value.SequenceEqual((ReadOnlySpan<byte>)[0x10, 0x01]);
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
                var attribute = KeyAndValue.Read(attributes.Value);
                if (attribute.Key.SequenceEqual("exception.message"u8))
                {
                    FailingSpan.AddMessage(parts.Messages, Text(attribute.Text));
                }
                else if (attribute.Key.SequenceEqual("exception.type"u8))
                {
                    FailingSpan.AddType(parts.Types, Text(attribute.Text));
                }
            }
        }
    }

    // Four bytes a character at most: more of a megabyte of text is never looked at.
    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, 4 * FailingSpan.TextLengthMax)]);

    private sealed class Parts
    {
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
