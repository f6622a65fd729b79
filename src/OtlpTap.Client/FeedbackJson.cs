using System.Buffers;
using System.Text.Json;

namespace OtlpTap.Client;

/// <summary>Feedback as <c>POST /v1/feedback</c> takes it.</summary>
internal static class FeedbackJson
{
    public static byte[] Of(UserFeedback feedback)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            Write(json, feedback);
        }

        return body.WrittenSpan.ToArray();
    }

    /// <summary>Several as one array.</summary>
    public static byte[] Array(IReadOnlyList<byte[]> items)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartArray();
            foreach (var item in items)
            {
                json.WriteRawValue(item, skipInputValidation: true);
            }

            json.WriteEndArray();
        }

        return body.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, UserFeedback feedback)
    {
        json.WriteStartObject();
        WriteText(json, "id", feedback.Id);
        WriteText(json, "trace_id", feedback.TraceId);
        WriteText(json, "response_id", feedback.ResponseId);
        WriteText(json, "session_id", feedback.SessionId);
        WriteText(json, "span_id", feedback.SpanId);
        WriteText(json, "thumbs", feedback.Thumbs switch { null => null, Thumbs.Up => "up", _ => "down" });
        if (feedback.Stars is { } stars)
        {
            json.WriteNumber("stars", stars);
        }

        if (feedback.Score is { } score)
        {
            json.WriteNumber("score", score);
        }

        if (feedback.Range is var (worst, best))
        {
            json.WriteStartArray("range");
            json.WriteNumberValue(worst);
            json.WriteNumberValue(best);
            json.WriteEndArray();
        }

        WriteText(json, "label", feedback.Label);
        WriteText(json, "comment", feedback.Comment);
        WriteText(json, "user", feedback.User);
        WriteText(json, "name", feedback.Name);
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }
}
