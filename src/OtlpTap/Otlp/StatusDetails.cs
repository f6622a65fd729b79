using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Grpc.Core;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// The details that a gRPC status carries in <c>grpc-status-details-bin</c>: a serialized <c>google.rpc.Status</c>.
/// <code>
///   google.rpc.Status     { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
///   google.protobuf.Any   { string type_url = 1; bytes value = 2; }
///   google.rpc.RetryInfo  { google.protobuf.Duration retry_delay = 1; }
///   google.protobuf.Duration { int64 seconds = 1; int32 nanos = 2; }
///   google.rpc.BadRequest { repeated FieldViolation field_violations = 1; }  FieldViolation { string field = 1; string description = 2; }
/// </code>
/// OTLP asks for RetryInfo where a refused sender shall try again, and for BadRequest where it must not
/// (https://opentelemetry.io/docs/specs/otlp/, "OTLP/gRPC Response"). Source of the messages:
/// https://github.com/googleapis/googleapis/tree/master/google/rpc.
/// </summary>
internal static class StatusDetails
{
    public const string TrailerName = "grpc-status-details-bin";

    /// <summary>The longest time that a <c>google.protobuf.Duration</c> may say; more is taken for this.</summary>
    public const long DelaySecondsMax = 315_576_000_000;

    private const string TypeUrlPrefix = "type.googleapis.com/";
    private const string RetryInfoType = "google.rpc.RetryInfo";
    private const string BadRequestType = "google.rpc.BadRequest";
    private const int NanosecondsPerTick = 100;

    // A trailer that an upstream sends is small: Kestrel and SocketsHttpHandler refuse header blocks above 64 KiB.
    private const int TrailerLengthMax = 64 * 1024;

    /// <summary>A <c>google.rpc.Status</c> with one RetryInfo. A delay below zero is written as zero: again at once.</summary>
    public static byte[] RetryInfo(StatusCode code, string message, TimeSpan retryDelay)
    {
        var ticks = Math.Max(0, retryDelay.Ticks);
        var duration = new ArrayBufferWriter<byte>();
        WriteNumber(duration, field: 1, (ulong)(ticks / TimeSpan.TicksPerSecond));
        WriteNumber(duration, field: 2, (ulong)(ticks % TimeSpan.TicksPerSecond) * NanosecondsPerTick);

        var retryInfo = new ArrayBufferWriter<byte>();
        WriteBytes(retryInfo, field: 1, duration.WrittenSpan);
        return Status(code, message, RetryInfoType, retryInfo.WrittenSpan);
    }

    /// <summary>A <c>google.rpc.Status</c> with one BadRequest of one field violation.</summary>
    /// <param name="field">Path of the field from the request message, as in <c>resource_spans[0].scope_spans</c>.</param>
    public static byte[] BadRequest(StatusCode code, string message, string field, string description)
    {
        var violation = new ArrayBufferWriter<byte>();
        WriteText(violation, field: 1, field);
        WriteText(violation, field: 2, description);

        var badRequest = new ArrayBufferWriter<byte>();
        WriteBytes(badRequest, field: 1, violation.WrittenSpan);
        return Status(code, message, BadRequestType, badRequest.WrittenSpan);
    }

    /// <summary>A <c>google.rpc.Status</c> without details.</summary>
    public static byte[] Plain(StatusCode code, string message) => Status(code, message, null, default);

    /// <summary>The status as a trailer: base64 without padding, as gRPC asks of senders (gRPC over HTTP/2, "Binary-Header").</summary>
    public static ReplyTrailer Trailer(ReadOnlySpan<byte> status) => new(TrailerName, Convert.ToBase64String(status).TrimEnd('='));

    /// <summary>Reads the base64 value of a <c>-bin</c> trailer, padded or not. False when it is not base64, or longer than any real one.</summary>
    public static bool TryReadTrailer(string value, out byte[] status)
    {
        status = [];
        if (value.Length > TrailerLengthMax)
        {
            return false;
        }

        var unpadded = value.AsSpan().TrimEnd('=');
        var padded = string.Concat(unpadded, "===".AsSpan(0, (4 - (unpadded.Length % 4)) % 4));
        var bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(padded.Length)];
        if (!Convert.TryFromBase64String(padded, bytes, out var length))
        {
            return false;
        }

        status = bytes[..length];
        return true;
    }

    /// <summary>
    /// The delay of the last RetryInfo among the details; zero when it names none, or one below zero. False without a
    /// RetryInfo, and for bytes that are not a status: then the sender was not asked to try again.
    /// </summary>
    public static bool TryReadRetryDelay(ReadOnlySpan<byte> status, out TimeSpan delay)
    {
        delay = TimeSpan.Zero;
        var found = false;
        var reader = new ProtoReader(status);
        while (reader.Next())
        {
            if (reader is not { FieldNumber: 3, WireType: WireType.LengthDelimited })
            {
                continue;
            }

            if (!TryReadAny(reader.Value, out var type, out var value))
            {
                return false;
            }

            if (IsRetryInfo(type))
            {
                if (!TryReadRetryInfo(value, out delay))
                {
                    return false;
                }

                found = true;
            }
        }

        return found && !reader.IsMalformed;
    }

    private static byte[] Status(StatusCode code, string message, string? detailType, ReadOnlySpan<byte> detail)
    {
        var status = new ArrayBufferWriter<byte>();
        WriteNumber(status, field: 1, (ulong)code);
        WriteText(status, field: 2, message);
        if (detailType is not null)
        {
            var any = new ArrayBufferWriter<byte>();
            WriteText(any, field: 1, TypeUrlPrefix + detailType);
            WriteBytes(any, field: 2, detail);
            WriteBytes(status, field: 3, any.WrittenSpan);
        }

        return status.WrittenSpan.ToArray();
    }

    // What stands before the last slash is whose registry describes the type; it has no meaning on the wire.
    private static bool IsRetryInfo(ReadOnlySpan<byte> typeUrl) => typeUrl[(typeUrl.LastIndexOf((byte)'/') + 1)..].SequenceEqual("google.rpc.RetryInfo"u8);

    private static bool TryReadAny(ReadOnlySpan<byte> any, out ReadOnlySpan<byte> type, out ReadOnlySpan<byte> value)
    {
        type = default;
        value = default;
        var reader = new ProtoReader(any);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (1, WireType.LengthDelimited):
                    type = reader.Value;
                    break;

                case (2, WireType.LengthDelimited):
                    value = reader.Value;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    private static bool TryReadRetryInfo(ReadOnlySpan<byte> retryInfo, out TimeSpan delay)
    {
        long seconds = 0;
        long nanos = 0;
        var reader = new ProtoReader(retryInfo);
        var wellFormed = true;
        while (reader.Next())
        {
            if (reader is { FieldNumber: 1, WireType: WireType.LengthDelimited })
            {
                wellFormed &= TryReadDuration(reader.Value, ref seconds, ref nanos);
            }
        }

        delay = ToTimeSpan(seconds, nanos);
        return wellFormed && !reader.IsMalformed;
    }

    // A second retry_delay merges into the first, field by field.
    private static bool TryReadDuration(ReadOnlySpan<byte> duration, ref long seconds, ref long nanos)
    {
        var reader = new ProtoReader(duration);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (1, WireType.Varint):
                    seconds = (long)reader.Varint;
                    break;

                case (2, WireType.Varint):
                    nanos = (int)reader.Varint;
                    break;
            }
        }

        return !reader.IsMalformed;
    }

    private static TimeSpan ToTimeSpan(long seconds, long nanos)
    {
        var ticks = (Math.Clamp(seconds, 0, DelaySecondsMax) * TimeSpan.TicksPerSecond) + (nanos / NanosecondsPerTick);
        return seconds < 0 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Max(0, ticks));
    }

    private static void WriteNumber(ArrayBufferWriter<byte> destination, int field, ulong value)
    {
        if (value != 0)
        {
            ProtoWriter.WriteVarintField(destination, ProtoWriter.TagOf(field, WireType.Varint), value);
        }
    }

    private static void WriteText(ArrayBufferWriter<byte> destination, int field, string text) => WriteBytes(destination, field, Encoding.UTF8.GetBytes(text));

    private static void WriteBytes(ArrayBufferWriter<byte> destination, int field, ReadOnlySpan<byte> value) =>
        ProtoWriter.WriteLengthDelimited(destination, ProtoWriter.TagOf(field, WireType.LengthDelimited), value);
}
