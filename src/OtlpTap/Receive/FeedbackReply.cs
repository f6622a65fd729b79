using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace OtlpTap.Receive;

/// <summary>The answer to a post of feedback, for people and pages: <c>{ "ids", "feedback": [ { "id", "status" } ] }</c> or <c>{ "error", "problems" }</c>.</summary>
internal sealed record FeedbackReply(int Status)
{
    // Texts stay readable; the body's type is JSON's, which no browser runs.
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public IReadOnlyList<(string Id, string Status)> Taken { get; init; } = [];

    /// <summary>Null where all was taken.</summary>
    public string? Error { get; init; }

    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>When it makes sense to try again; null: at once, or never.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public Task WriteAsync(HttpContext http)
    {
        var body = Json();
        var response = http.Response;
        if (RetrySeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        response.StatusCode = Status;
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body, http.RequestAborted).AsTask();
    }

    // Whole seconds, and never none at all, which is no delay for many senders.
    private long? RetrySeconds => RetryAfter is { } delay ? Math.Max(1, (long)Math.Ceiling(delay.TotalSeconds)) : null;

    private ReadOnlyMemory<byte> Json()
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, Writing))
        {
            json.WriteStartObject();
            if (Error is null)
            {
                WriteTaken(json);
            }
            else
            {
                WriteError(json, Error);
            }

            json.WriteEndObject();
        }

        return body.WrittenMemory;
    }

    private void WriteTaken(Utf8JsonWriter json)
    {
        json.WriteStartArray("ids");
        foreach (var (id, _) in Taken)
        {
            json.WriteStringValue(id);
        }

        json.WriteEndArray();
        json.WriteStartArray("feedback");
        foreach (var (id, status) in Taken)
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("status", status);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void WriteError(Utf8JsonWriter json, string error)
    {
        json.WriteString("error", error);
        json.WriteStartArray("problems");
        foreach (var problem in Problems)
        {
            json.WriteStringValue(problem);
        }

        json.WriteEndArray();
        if (RetrySeconds is { } seconds)
        {
            // Scripts of other origins see no header that is not exposed to them.
            json.WriteNumber("retry_after_seconds", seconds);
        }
    }
}
