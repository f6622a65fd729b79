using System.Globalization;
using System.Text.Json;

namespace OtlpTap.Pull;

/// <summary>One line of Loki's: what OTLP's log record was made into.</summary>
/// <param name="Labels">Of its stream.</param>
/// <param name="Metadata">Structured metadata, the record's own ids and attributes among them.</param>
internal sealed record LokiEntry(long UnixNano, string Line, IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> Metadata);

/// <param name="Entries">By their times, the oldest first.</param>
internal readonly record struct LokiPage(IReadOnlyList<LokiEntry> Entries, BackendAnswer? Failed);

/// <summary>Loki's query API, https://grafana.com/docs/loki/latest/reference/loki-http-api/: lines of a range, oldest first.</summary>
internal sealed class LokiBackend(PullOptions options, TimeProvider time, ILogger logger) : IDisposable
{
    private const string Json = "application/json";
    private const int DepthMax = 64;

    public BackendConnection Connection { get; } = new(options, time, logger);

    /// <param name="from">Nanoseconds of Unix time, inclusive.</param>
    /// <param name="to">Exclusive.</param>
    public async Task<LokiPage> QueryAsync(string query, long from, long to, int limit, CancellationToken cancellation)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/loki/api/v1/query_range?query={Uri.EscapeDataString(query)}&start={from}&end={to}&limit={limit}&direction=forward");
        var answer = await Connection.GetAsync(path, Json, cancellation);
        if (answer.Failure != PullFailure.None)
        {
            return new LokiPage([], answer);
        }

        if (answer.ContentType != Json)
        {
            return Malformed($"the answer is {(answer.ContentType.Length == 0 ? "of no content type" : answer.ContentType)}: is the URL that of Loki's API?");
        }

        try
        {
            using var json = JsonDocument.Parse(answer.Body, new JsonDocumentOptions { MaxDepth = DepthMax });
            var data = json.RootElement.GetProperty("data");
            var type = data.GetProperty("resultType").GetString();
            if (type != "streams")
            {
                return Malformed($"the query answers a {type}: a query for log lines is needed, not a metric");
            }

            var entries = data.GetProperty("result").EnumerateArray().SelectMany(ReadStream).ToList();
            return new LokiPage([.. entries.OrderBy(static entry => entry.UnixNano)], null);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return Malformed($"the answer is no JSON of Loki's: {exception.Message}");
        }
    }

    public void Dispose() => Connection.Dispose();

    private static LokiPage Malformed(string cause) => new([], BackendAnswer.Failed(PullFailure.Malformed, cause));

    private static List<LokiEntry> ReadStream(JsonElement stream)
    {
        var labels = Texts(stream.GetProperty("stream"));
        var entries = new List<LokiEntry>();
        foreach (var value in stream.GetProperty("values").EnumerateArray())
        {
            // With the flag categorize-labels the third element has "structuredMetadata" and "parsed" in it; without it the
            // metadata may stand there as it is, or among the stream's labels.
            var metadata = value.GetArrayLength() > 2 && value[2].ValueKind == JsonValueKind.Object ? value[2] : default;
            if (metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty("structuredMetadata", out var structured) && structured.ValueKind == JsonValueKind.Object)
            {
                metadata = structured;
            }

            entries.Add(new LokiEntry(
                long.Parse(value[0].GetString()!, NumberStyles.None, CultureInfo.InvariantCulture),
                value[1].GetString() ?? "",
                labels,
                metadata.ValueKind == JsonValueKind.Object ? Texts(metadata) : Empty));
        }

        return entries;
    }

    private static readonly Dictionary<string, string> Empty = [];

    private static Dictionary<string, string> Texts(JsonElement element)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
        {
            texts[property.Name] = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : property.Value.GetRawText();
        }

        return texts;
    }
}
