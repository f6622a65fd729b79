using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// What an upstream did not take of a request that it otherwise accepted.
/// <code>
///   Export*ServiceResponse { Export*PartialSuccess partial_success = 1; }
///   Export*PartialSuccess  { int64 rejected_* = 1; string error_message = 2; }
/// </code>
/// The same shape for all signals. Rejected 0 with a message is a warning (https://opentelemetry.io/docs/specs/otlp/, "Partial Success").
/// </summary>
internal readonly record struct PartialSuccess(long Rejected, string Message)
{
    /// <summary>What a response takes beside the message: two tags with their lengths, a tag with a number.</summary>
    private const int FramingBytesMax = (2 * (1 + 5)) + 1 + 10;

    /// <summary>Reads a serialized <c>Export*ServiceResponse</c>; false when it is malformed.</summary>
    public static bool TryRead(ReadOnlySpan<byte> response, out PartialSuccess partial)
    {
        partial = new PartialSuccess(0, "");
        var reader = new ProtoReader(response);
        while (reader.Next())
        {
            if (reader is { FieldNumber: OtlpFields.ExportResponse.PartialSuccess, WireType: WireType.LengthDelimited }
                && !TryMerge(reader.Value, ref partial))
            {
                return false;
            }
        }

        return !reader.IsMalformed;
    }

    /// <summary>Both of one request: what was rejected here and, of the rest, further on.</summary>
    public PartialSuccess And(PartialSuccess other) => new(
        Rejected + other.Rejected,
        Message.Length == 0 ? other.Message : other.Message.Length == 0 ? Message : $"{Message}; {other.Message}");

    /// <summary>Serializes an <c>Export*ServiceResponse</c> that says this.</summary>
    public byte[] ToResponse() => ToResponse(Encoding.UTF8.GetBytes(Message));

    /// <summary>The same in at most so many bytes, the message cut at the end between two characters.</summary>
    /// <param name="bytesMax">At least <see cref="FramingBytesMax"/>.</param>
    public byte[] ToResponse(int bytesMax)
    {
        var message = Encoding.UTF8.GetBytes(Message);
        var length = Math.Min(message.Length, bytesMax - FramingBytesMax);

        // Of a character's bytes all but the first are 10xxxxxx.
        while (length > 0 && length < message.Length && (message[length] & 0xc0) == 0x80)
        {
            length--;
        }

        return ToResponse(message.AsSpan(0, length));
    }

    /// <summary>
    /// Writes an <c>Export*ServiceResponse</c> that says this as OTLP/JSON: <c>{"partialSuccess":{"rejectedSpans":"3","errorMessage":"..."}}</c>,
    /// and <c>{}</c> for full success. Numbers of 64 bits are strings in protobuf's JSON.
    /// </summary>
    public void WriteResponse(Signal signal, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        if (Rejected != 0 || Message.Length > 0)
        {
            json.WriteStartObject("partialSuccess"u8);
            if (Rejected != 0)
            {
                json.WriteString(RejectedName(signal), Rejected.ToString(CultureInfo.InvariantCulture));
            }

            if (Message.Length > 0)
            {
                json.WriteString("errorMessage"u8, Message);
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static ReadOnlySpan<byte> RejectedName(Signal signal) => signal switch
    {
        Signal.Traces => "rejectedSpans"u8,
        Signal.Logs => "rejectedLogRecords"u8,
        Signal.Metrics => "rejectedDataPoints"u8,
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, null),
    };

    private byte[] ToResponse(ReadOnlySpan<byte> message)
    {
        var partial = new ArrayBufferWriter<byte>();
        if (Rejected != 0)
        {
            ProtoWriter.WriteVarintField(partial, ProtoWriter.TagOf(OtlpFields.PartialSuccess.Rejected, WireType.Varint), (ulong)Rejected);
        }

        if (!message.IsEmpty)
        {
            ProtoWriter.WriteLengthDelimited(
                partial, ProtoWriter.TagOf(OtlpFields.PartialSuccess.ErrorMessage, WireType.LengthDelimited), message);
        }

        var response = new ArrayBufferWriter<byte>();
        ProtoWriter.WriteLengthDelimited(
            response, ProtoWriter.TagOf(OtlpFields.ExportResponse.PartialSuccess, WireType.LengthDelimited), partial.WrittenSpan);
        return response.WrittenSpan.ToArray();
    }

    private static bool TryMerge(ReadOnlySpan<byte> message, ref PartialSuccess partial)
    {
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (OtlpFields.PartialSuccess.Rejected, WireType.Varint):
                    partial = partial with { Rejected = (long)reader.Varint };
                    break;

                case (OtlpFields.PartialSuccess.ErrorMessage, WireType.LengthDelimited):
                    partial = partial with { Message = Encoding.UTF8.GetString(reader.Value) };
                    break;
            }
        }

        return !reader.IsMalformed;
    }
}
