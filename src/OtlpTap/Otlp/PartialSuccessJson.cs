using System.Globalization;
using System.Text.Json;

namespace OtlpTap.Otlp;

/// <summary>
/// <see cref="PartialSuccess"/> in the JSON form of a response. The count has another name for each signal.
/// <code>
///   {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "..."}}
/// </code>
/// </summary>
internal static class PartialSuccessJson
{
    private static readonly string[] CountNames = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"];

    /// <summary>False when it is no JSON object of this form; null where there is no partial success.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, out PartialSuccess? partial)
    {
        partial = null;
        try
        {
            using var document = JsonDocument.Parse(json.ToArray());
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            if (!document.RootElement.TryGetProperty("partialSuccess", out var found) || found.ValueKind == JsonValueKind.Null)
            {
                return true;
            }

            if (found.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            var message = found.TryGetProperty("errorMessage", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
            if (!TryReadCount(found, out var rejected))
            {
                return false;
            }

            partial = rejected != 0 || message.Length > 0 ? new PartialSuccess(rejected, message) : null;
            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second: text that is not UTF-8.
            return false;
        }
    }

    private static bool TryReadCount(JsonElement partial, out long rejected)
    {
        rejected = 0;
        foreach (var name in CountNames)
        {
            if (partial.TryGetProperty(name, out var count)
                && !(count.ValueKind == JsonValueKind.Number ? count.TryGetInt64(out rejected)
                    : count.ValueKind == JsonValueKind.String && long.TryParse(count.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out rejected)))
            {
                return false;
            }
        }

        return true;
    }
}
