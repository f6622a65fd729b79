using System.Text.Json;

namespace OtlpTap.Corpus;

/// <summary>
/// The content of a <c>seen.json</c>: what changes with every occurrence, apart from the case, so that the case's own file
/// changes only when there is something to read.
/// </summary>
internal sealed record SeenFile(long Count, DateTimeOffset LastSeen, string LastVersion, string LastTrace)
{
    public const string Format = "otlptap.seen/1";

    /// <summary>Both counts together, and the later one's last occurrence.</summary>
    public SeenFile With(SeenFile more) => (more.LastSeen >= LastSeen ? more : this) with { Count = Count + more.Count };

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteNumber("count", Count);
        json.WriteString("last_seen", JsonText.Of(LastSeen));
        json.WriteString("last_version", LastVersion);
        json.WriteString("last_trace_id", LastTrace);
        json.WriteEndObject();
    }

    public static bool TryRead(ReadOnlyMemory<byte> utf8Json, out SeenFile? seen, out string problem)
    {
        seen = null;
        problem = $"not a document of format {Format}";
        try
        {
            using var json = JsonDocument.Parse(utf8Json);
            var root = json.RootElement;
            if (JsonText.Text(root, "format") == Format && JsonText.Number(root, "count") is { } count && JsonText.Time(root, "last_seen") is { } lastSeen)
            {
                seen = new SeenFile(count, lastSeen, JsonText.Text(root, "last_version") ?? "", JsonText.Text(root, "last_trace_id") ?? "");
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            problem = JsonText.Problem(exception);
        }

        return seen is not null;
    }
}
