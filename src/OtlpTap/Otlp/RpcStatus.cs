using System.Globalization;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using OtlpTap.Wire;

namespace OtlpTap.Otlp;

/// <summary>
/// A <c>google.rpc.Status</c> as an OTLP/HTTP server sends it with an error, in either form.
/// <code>
///   Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
///   {"code": 8, "message": "...", "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}]}
/// </code>
/// </summary>
/// <param name="Details">The serialized Status where it has details that are understood; else empty.</param>
internal readonly record struct RpcStatus(int Code, string Message, byte[] Details)
{
    // As much as a gRPC server sends in trailers; Kestrel and most clients stop at 8 to 64 KiB of headers.
    private const int DetailsBytesMax = 4 << 10;

    private const int MessageLengthMax = 4 << 10;

    /// <summary>False when it is malformed, or says nothing.</summary>
    public static bool TryRead(ReadOnlySpan<byte> protobuf, out RpcStatus status)
    {
        var code = 0;
        var message = "";
        var hasDetails = false;
        var reader = new ProtoReader(protobuf);
        while (reader.Next())
        {
            switch (reader.FieldNumber, reader.WireType)
            {
                case (1, WireType.Varint):
                    code = (int)reader.Varint;
                    break;

                case (2, WireType.LengthDelimited):
                    message = Encoding.UTF8.GetString(reader.Value);
                    break;

                case (3, WireType.LengthDelimited):
                    hasDetails = true;
                    break;
            }
        }

        status = new RpcStatus(code, Shorten(message), hasDetails && protobuf.Length <= DetailsBytesMax ? protobuf.ToArray() : []);
        return !reader.IsMalformed && (code != 0 || message.Length > 0 || hasDetails);
    }

    /// <summary>False when it is no JSON object, or says nothing. Of the details RetryInfo and BadRequest are taken over.</summary>
    public static bool TryReadJson(ReadOnlySpan<byte> json, out RpcStatus status)
    {
        status = new RpcStatus(0, "", []);
        try
        {
            using var document = JsonDocument.Parse(json.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            var code = document.RootElement.TryGetProperty("code", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out var found) ? found : 0;
            var message = Shorten(Text(document.RootElement, "message"));
            var details = document.RootElement.TryGetProperty("details", out var list) && list.ValueKind == JsonValueKind.Array
                ? ReadDetails(list, (StatusCode)code, message)
                : [];
            status = new RpcStatus(code, message, details.Length <= DetailsBytesMax ? details : []);
            return code != 0 || message.Length > 0;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second: text that is not UTF-8.
            return false;
        }
    }

    private static byte[] ReadDetails(JsonElement list, StatusCode code, string message)
    {
        var details = new List<byte>();
        foreach (var detail in list.EnumerateArray().Take(16).Where(detail => detail.ValueKind == JsonValueKind.Object))
        {
            switch (Text(detail, "@type").Split('/')[^1])
            {
                case "google.rpc.RetryInfo" when TryReadDuration(Text(detail, "retryDelay"), out var delay):
                    details.AddRange(StatusDetails.RetryInfo(code, message, delay));
                    break;

                case "google.rpc.BadRequest" when detail.TryGetProperty("fieldViolations", out var violations) && violations.ValueKind == JsonValueKind.Array:
                    foreach (var violation in violations.EnumerateArray().Take(16).Where(violation => violation.ValueKind == JsonValueKind.Object))
                    {
                        details.AddRange(StatusDetails.BadRequest(code, message, Text(violation, "field"), Text(violation, "description")));
                    }

                    break;
            }
        }

        return [.. details];
    }

    // Protobuf's JSON form of a Duration: seconds with up to nine decimals, and "s".
    private static bool TryReadDuration(string text, out TimeSpan delay)
    {
        delay = TimeSpan.Zero;
        if (!text.EndsWith('s')
            || !decimal.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            || seconds > StatusDetails.DelaySecondsMax)
        {
            return false;
        }

        delay = TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
        return true;
    }

    private static string Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    private static string Shorten(string message) => message.Cut(MessageLengthMax);
}
