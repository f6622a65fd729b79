using System.Globalization;
using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

/// <summary>Why the case's trace may not be whole. The names stand in case files.</summary>
internal static class IncompleteReason
{
    public const string ParentMissing = "parent_missing";
    public const string FailingSpanMissing = "failing_span_missing";

    /// <summary>The trace is older than what the recorder still held when it was assembled.</summary>
    public const string OverwrittenInRing = "overwritten_in_ring";

    public const string TooLarge = "too_large";
    public const string MalformedRequest = "malformed_request";
}

/// <summary>Verdicts of one kind on one span, as a case lists them.</summary>
internal sealed record CaseVerdict(SpanId SpanId, string? SpanName, string Failure, List<string> Rules, string Source);

/// <summary>The content of a <c>case.json</c>; <c>docs/corpus-format.md</c> is its contract.</summary>
internal sealed class CaseDocument
{
    public const string Format = "otlptap.case/1";

    // A trace that is judged for ever must not make a file without end.
    private const int VerdictsMax = 4096;

    // What people or later versions wrote beside ours is kept.
    private readonly List<JsonProperty> _others = [];

    public required TraceId TraceId { get; init; }

    public required string Failure { get; init; }

    public required DateTimeOffset RecordedAt { get; init; }

    public DateTimeOffset? UpdatedAt { get; set; }

    public string? Service { get; set; }

    public List<CaseVerdict> Verdicts { get; } = [];

    public int VerdictsOmitted { get; set; }

    public ulong FirstSpanUnixNano { get; set; }

    public ulong LastSpanUnixNano { get; set; }

    public int SpanCount { get; set; }

    public int LogCount { get; set; }

    public SortedSet<string> Incomplete { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a verdict unless it is there or there are too many. True when it was added.</summary>
    public bool Add(in Verdict verdict)
    {
        var (spanId, failure, rule, source) = verdict;
        var entry = Verdicts.Find(entry => entry.SpanId == spanId && entry.Failure == failure && entry.Source == source);
        if (entry is null)
        {
            if (Verdicts.Count >= VerdictsMax)
            {
                VerdictsOmitted++;
                return false;
            }

            Verdicts.Add(new CaseVerdict(spanId, null, failure, [rule], source));
            return true;
        }

        if (entry.Rules.Contains(rule))
        {
            return false;
        }

        entry.Rules.Add(rule);
        return true;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteString("trace_id", TraceId.ToString());
        json.WriteString("failure", Failure);
        WriteStrings(json, "failures", Verdicts.Select(verdict => verdict.Failure).Distinct());
        WriteStringOrNull(json, "service", Service);
        json.WriteStartArray("verdicts");
        foreach (var verdict in Verdicts)
        {
            json.WriteStartObject();
            WriteStringOrNull(json, "span_id", verdict.SpanId.IsZero ? null : verdict.SpanId.ToString());
            WriteStringOrNull(json, "span_name", verdict.SpanName);
            json.WriteString("failure", verdict.Failure);
            WriteStrings(json, "rules", verdict.Rules);
            json.WriteString("source", verdict.Source);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (VerdictsOmitted > 0)
        {
            json.WriteNumber("verdicts_omitted", VerdictsOmitted);
        }

        WriteStringOrNull(json, "first_span_at", TimeText(FirstSpanUnixNano));
        WriteStringOrNull(json, "last_span_at", TimeText(LastSpanUnixNano));
        json.WriteNumber("span_count", SpanCount);
        json.WriteNumber("log_count", LogCount);
        json.WriteString("recorded_at", TimeText(RecordedAt));
        if (UpdatedAt is { } updatedAt)
        {
            json.WriteString("updated_at", TimeText(updatedAt));
        }

        json.WriteBoolean("complete", Incomplete.Count == 0);
        WriteStrings(json, "incomplete_because", Incomplete);
        foreach (var other in _others)
        {
            other.WriteTo(json);
        }

        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write"/> wrote, also after people edited it. False with the reason when it is no such document.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> utf8Json, out CaseDocument? document, out string problem)
    {
        document = null;
        try
        {
            using var json = JsonDocument.Parse(utf8Json);
            document = Read(json.RootElement.Clone());
            problem = document is null ? $"not a document of format {Format}" : "";
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException) // the latter for text that is no Unicode
        {
            problem = exception.Message;
        }

        return document is not null;
    }

    private static CaseDocument? Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object
            || Text(root, "format") != Format
            || !TraceId.TryParse(Text(root, "trace_id"), out var traceId)
            || Text(root, "failure") is not { } failure
            || !DateTimeOffset.TryParse(Text(root, "recorded_at"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var recordedAt))
        {
            return null;
        }

        var document = new CaseDocument { TraceId = traceId, Failure = failure, RecordedAt = recordedAt, Service = Text(root, "service") };
        foreach (var property in root.EnumerateObject())
        {
            switch (property.Name)
            {
                case "verdicts" when property.Value.ValueKind == JsonValueKind.Array:
                    document.Verdicts.AddRange(property.Value.EnumerateArray().Select(ReadVerdict));
                    break;
                case "verdicts_omitted" or "span_count" or "log_count" when Number(property.Value) is { } number:
                    _ = property.Name switch
                    {
                        "span_count" => document.SpanCount = number,
                        "log_count" => document.LogCount = number,
                        _ => document.VerdictsOmitted = number,
                    };
                    break;
                case "incomplete_because":
                    document.Incomplete.UnionWith(Texts(property.Value));
                    break;

                // Made anew from the trace each time.
                case "format" or "trace_id" or "failure" or "failures" or "service" or "verdicts" or "verdicts_omitted":
                case "first_span_at" or "last_span_at" or "span_count" or "log_count" or "recorded_at" or "updated_at" or "complete":
                    break;
                default:
                    document._others.Add(property);
                    break;
            }
        }

        return document;
    }

    private static CaseVerdict ReadVerdict(JsonElement verdict)
    {
        if (verdict.ValueKind != JsonValueKind.Object || Text(verdict, "failure") is not { } failure)
        {
            throw new JsonException("a verdict is an object with a failure");
        }

        _ = SpanId.TryParse(Text(verdict, "span_id"), out var spanId); // none: on the trace as a whole
        var rules = verdict.TryGetProperty("rules", out var list) ? Texts(list).ToList() : [];
        return new CaseVerdict(spanId, Text(verdict, "span_name"), failure, rules, Text(verdict, "source") ?? "");
    }

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static int? Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : null;

    private static IEnumerable<string> Texts(JsonElement array) =>
        array.ValueKind == JsonValueKind.Array
            ? array.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)
            : [];

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteStringOrNull(Utf8JsonWriter json, string name, string? value)
    {
        if (value is null)
        {
            json.WriteNull(name);
        }
        else
        {
            json.WriteString(name, value);
        }
    }

    private static string TimeText(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    // All nine digits: two spans often differ in the last ones. The largest value OTLP can carry is the year 2554.
    private static string? TimeText(ulong unixNano)
    {
        if (unixNano == 0)
        {
            return null;
        }

        var second = DateTime.UnixEpoch.AddSeconds(unixNano / 1_000_000_000);
        return string.Create(CultureInfo.InvariantCulture, $"{second:yyyy-MM-dd'T'HH:mm:ss}.{unixNano % 1_000_000_000:d9}Z");
    }
}
