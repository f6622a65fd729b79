using System.Globalization;
using System.Text;
using System.Text.Json;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// A serialized <c>google.rpc.Status</c> as protobuf's JSON mapping has it, which OTLP/HTTP answers errors with:
/// <code>
///   {"code":3,"message":"...","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"...","description":"..."}]}]}
/// </code>
/// The two details that OTLP names are written out (their messages stand above <see cref="StatusDetails"/>); of any other,
/// whose type only its sender knows, the bytes are given as base64 under <c>value</c>.
/// </summary>
internal static class StatusJson
{
    /// <summary>What cannot be read of <paramref name="status"/> is left out; the JSON is complete either way.</summary>
    public static void Write(ReadOnlySpan<byte> status, Utf8JsonWriter json)
    {
        long code = 0;
        ReadOnlySpan<byte> message = default;
        var hasDetails = false;
        var reader = new ProtoReader(status);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (1, WireType.Varint):
                    code = (int)reader.Varint;
                    break;

                case (2, WireType.LengthDelimited):
                    message = reader.Value;
                    break;

                case (3, WireType.LengthDelimited):
                    hasDetails = true;
                    break;
            }
        }

        json.WriteStartObject();
        json.WriteNumber("code"u8, code);
        json.WriteString("message"u8, Encoding.UTF8.GetString(message));
        if (hasDetails)
        {
            json.WriteStartArray("details"u8);
            WriteDetails(status, json);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteDetails(ReadOnlySpan<byte> status, Utf8JsonWriter json)
    {
        var reader = new ProtoReader(status);
        while (reader.Next())
        {
            if (reader is { FieldNumber: 3, WireType: WireType.LengthDelimited })
            {
                WriteAny(reader.Value, json);
            }
        }
    }

    private static void WriteAny(ReadOnlySpan<byte> any, Utf8JsonWriter json)
    {
        var type = Field(any, 1);
        var value = Field(any, 2);
        json.WriteStartObject();
        json.WriteString("@type"u8, Encoding.UTF8.GetString(type));
        var name = type[(type.LastIndexOf((byte)'/') + 1)..];
        if (name.SequenceEqual("google.rpc.RetryInfo"u8))
        {
            WriteRetryInfo(value, json);
        }
        else if (name.SequenceEqual("google.rpc.BadRequest"u8))
        {
            WriteBadRequest(value, json);
        }
        else
        {
            json.WriteBase64String("value"u8, value);
        }

        json.WriteEndObject();
    }

    // A Duration is a string of seconds: "1s", "0.250s".
    private static void WriteRetryInfo(ReadOnlySpan<byte> retryInfo, Utf8JsonWriter json)
    {
        long seconds = 0;
        long nanos = 0;
        var reader = new ProtoReader(Field(retryInfo, 1));
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

        // The range of a Duration; both parts have one sign.
        var duration = Math.Clamp(seconds, -StatusDetails.DelaySecondsMax, StatusDetails.DelaySecondsMax) + (Math.Clamp(nanos, -999_999_999, 999_999_999) / 1e9m);
        json.WriteString("retryDelay"u8, duration.ToString("0.#########", CultureInfo.InvariantCulture) + "s");
    }

    private static void WriteBadRequest(ReadOnlySpan<byte> badRequest, Utf8JsonWriter json)
    {
        json.WriteStartArray("fieldViolations"u8);
        var reader = new ProtoReader(badRequest);
        while (reader.Next())
        {
            if (reader is { FieldNumber: 1, WireType: WireType.LengthDelimited })
            {
                json.WriteStartObject();
                WriteText("field"u8, Field(reader.Value, 1), json);
                WriteText("description"u8, Field(reader.Value, 2), json);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }

    private static void WriteText(ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, Utf8JsonWriter json)
    {
        if (!text.IsEmpty)
        {
            json.WriteString(name, Encoding.UTF8.GetString(text));
        }
    }

    /// <summary>The last value of a length-delimited field; empty where it does not stand.</summary>
    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> message, int number)
    {
        ReadOnlySpan<byte> value = default;
        var reader = new ProtoReader(message);
        while (reader.Next())
        {
            if (reader.FieldNumber == number && reader.WireType == WireType.LengthDelimited)
            {
                value = reader.Value;
            }
        }

        return value;
    }
}
