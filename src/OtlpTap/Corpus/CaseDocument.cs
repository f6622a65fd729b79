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

    /// <summary>The backend that it was fetched from said that its answer is not whole.</summary>
    public const string PartialAnswer = "partial_answer";
}

/// <summary>Verdicts of one kind and source on one span, as a case lists them.</summary>
internal sealed record CaseVerdict(SpanId SpanId, string? SpanName, string Failure, List<string> Rules, string Source)
{
    public SpanId Origin { get; init; }

    public double? Score { get; init; }

    public string? Label { get; init; }

    public string? Explanation { get; init; }

    public IReadOnlyList<string> Evidence { get; init; } = [];
}

/// <summary>A further trace of the case, and by what it differs.</summary>
/// <param name="Shape">Of its steps, hashed.</param>
/// <param name="Input">The user's words, hashed.</param>
internal sealed record KeptTrace(TraceId TraceId, string Version, string Model, string Shape, string Input, DateTimeOffset RecordedAt);

/// <summary>The content of a <c>case.json</c>; <c>docs/corpus-format.md</c> is its contract.</summary>
internal sealed class CaseDocument
{
    public const string Format = "otlptap.case/2";

    /// <summary>One folder for each trace; read, and written no more.</summary>
    public const string FirstFormat = "otlptap.case/1";

    // A trace that is judged for ever must not make a file without end; nor a service with a version for each request.
    private const int VerdictsMax = 4096;
    private const int ListMax = 20;

    private const string Suspected = "suspected";

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "format", "fingerprint", "failure", "title", "status", "status_since", "status_reason", "fixed_in", "group", "failures", "marks", "services", "versions", "models",
        "first_seen", "trace_id", "recorded_at", "updated_at", "replayable", "not_replayable_because", "run", "ids", "verdicts", "verdicts_omitted",
        "first_span_at", "last_span_at", "span_count", "log_count", "complete", "incomplete_because", "fetched_from", "truncated", "shape", "input", "traces",
    };

    // What people or later versions wrote beside ours is kept.
    private readonly List<JsonProperty> _others = [];

    public required string Fingerprint { get; init; }

    public required TraceId TraceId { get; init; }

    public required CaseGroup Group { get; init; }

    public string Failure => Group.Failure;

    /// <summary>One line for people, who may write another one.</summary>
    public required string Title { get; init; }

    public required DateTimeOffset RecordedAt { get; init; }

    public DateTimeOffset? UpdatedAt { get; set; }

    public DateTimeOffset FirstSeen { get; set; }

    public CaseLife Life { get; set; } = CaseLife.Open;

    public string? Service => Services.Count > 0 ? Services[0] : null;

    public List<string> Services { get; } = [];

    public List<string> Versions { get; } = [];

    public List<string> Models { get; } = [];

    public List<CaseVerdict> Verdicts { get; } = [];

    /// <summary>Of the first trace, see <see cref="KeptTrace"/>.</summary>
    public string Shape { get; set; } = "";

    public string Input { get; set; } = "";

    public List<KeptTrace> Traces { get; } = [];

    /// <summary>Backends that its first trace, or a part of it, was fetched from.</summary>
    public List<string> FetchedFrom { get; } = [];

    /// <summary>A value of its first trace is exactly as long as the backend lets values be.</summary>
    public bool IsTruncationSuspected { get; set; }

    public IReadOnlyList<string> NotReplayable { get; set; } = [];

    public JsonElement? Run { get; set; }

    public JsonElement? Ids { get; set; }

    public int VerdictsOmitted { get; set; }

    public ulong FirstSpanUnixNano { get; set; }

    public ulong LastSpanUnixNano { get; set; }

    public int SpanCount { get; set; }

    public int LogCount { get; set; }

    public SortedSet<string> Incomplete { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a value unless it is there, is empty, or there are too many. True when it was added.</summary>
    public static bool AddTo(List<string> list, string? value)
    {
        if (string.IsNullOrEmpty(value) || list.Count >= ListMax || list.Contains(value))
        {
            return false;
        }

        list.Add(value);
        return true;
    }

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

            Verdicts.Add(new CaseVerdict(spanId, null, failure, [rule], source)
            {
                Origin = verdict.Origin,
                Score = verdict.Score,
                Label = verdict.Label,
                Explanation = verdict.Explanation,
                Evidence = verdict.Evidence,
            });
            return true;
        }

        if (entry.Rules.Contains(rule))
        {
            return false;
        }

        entry.Rules.Add(rule);
        return true;
    }

    /// <summary>The value of a key that people wrote beside ours.</summary>
    public JsonElement? Other(string name) => _others.Where(other => other.NameEquals(name)).Select(other => (JsonElement?)other.Value).FirstOrDefault();

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteString("fingerprint", Fingerprint);
        json.WriteString("failure", Failure);
        json.WriteString("title", Title);
        json.WriteString("status", Life.Status.Name());
        if (Life.Since is { } since)
        {
            json.WriteString("status_since", JsonText.Of(since));
        }

        JsonText.WriteIfAny(json, "status_reason", Life.Reason);
        JsonText.WriteIfAny(json, "fixed_in", Life.FixedIn);
        json.WriteStartObject("group");
        json.WriteString("agent", Group.Agent);
        json.WriteString("subject", Group.Subject);
        json.WriteString("error_type", Group.ErrorType);
        json.WriteString("message", Group.Message);
        json.WriteEndObject();
        JsonText.WriteStrings(json, "failures", KindsOf(isMark: false));
        JsonText.WriteStrings(json, "marks", KindsOf(isMark: true));
        JsonText.WriteStrings(json, "services", Services);
        JsonText.WriteStrings(json, "versions", Versions);
        JsonText.WriteStrings(json, "models", Models);
        json.WriteString("first_seen", JsonText.Of(FirstSeen));
        json.WriteString("trace_id", TraceId.ToString());
        json.WriteString("recorded_at", JsonText.Of(RecordedAt));
        if (UpdatedAt is { } updatedAt)
        {
            json.WriteString("updated_at", JsonText.Of(updatedAt));
        }

        json.WriteBoolean("replayable", NotReplayable.Count == 0);
        JsonText.WriteStrings(json, "not_replayable_because", NotReplayable);
        WriteIfAny(json, "run", Run);
        WriteIfAny(json, "ids", Ids);
        WriteVerdicts(json);
        JsonText.WriteStringOrNull(json, "first_span_at", JsonText.OfUnixNano(FirstSpanUnixNano));
        JsonText.WriteStringOrNull(json, "last_span_at", JsonText.OfUnixNano(LastSpanUnixNano));
        json.WriteNumber("span_count", SpanCount);
        json.WriteNumber("log_count", LogCount);
        json.WriteBoolean("complete", Incomplete.Count == 0);
        JsonText.WriteStrings(json, "incomplete_because", Incomplete);
        if (FetchedFrom.Count > 0)
        {
            JsonText.WriteStrings(json, "fetched_from", FetchedFrom);
        }

        if (IsTruncationSuspected)
        {
            json.WriteString("truncated", Suspected);
        }

        json.WriteString("shape", Shape);
        json.WriteString("input", Input);
        json.WriteStartArray("traces");
        foreach (var trace in Traces)
        {
            json.WriteStartObject();
            json.WriteString("trace_id", trace.TraceId.ToString());
            json.WriteString("version", trace.Version);
            json.WriteString("model", trace.Model);
            json.WriteString("shape", trace.Shape);
            json.WriteString("input", trace.Input);
            json.WriteString("recorded_at", JsonText.Of(trace.RecordedAt));
            json.WriteEndObject();
        }

        json.WriteEndArray();
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
            document = Read(json.RootElement.Clone(), out problem, out var key);
            problem = document is null && key is not null && JsonText.LineOf(utf8Json.Span, key) is { } line ? $"line {line}: {problem}" : problem;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException) // the latter for text that is no Unicode
        {
            problem = JsonText.Problem(exception);
        }

        return document is not null;
    }

    /// <param name="key">The key whose value is the problem.</param>
    private static CaseDocument? Read(JsonElement root, out string problem, out string? key)
    {
        key = null;
        problem = $"not a document of format {Format}";
        if (root.ValueKind != JsonValueKind.Object || JsonText.Text(root, "format") is not { } format)
        {
            return null;
        }

        if (format != Format)
        {
            key = "format";
            problem = $"its format is {format}, this version reads {Format}";
            return null;
        }

        if (CaseStatusNames.Parse(JsonText.Text(root, "status")) is not { } status)
        {
            key = "status";
            problem = "`status` must be open, fixed, regressed, muted or expected";
            return null;
        }

        if (!TraceId.TryParse(JsonText.Text(root, "trace_id"), out var traceId)
            || JsonText.Text(root, "fingerprint") is not { Length: > 0 } fingerprint
            || JsonText.Text(root, "failure") is not { } failure
            || JsonText.Time(root, "recorded_at") is not { } recordedAt)
        {
            problem = "`fingerprint`, `failure`, `trace_id` (32 hex digits) and `recorded_at` (RFC 3339) must be there";
            return null;
        }

        var group = root.TryGetProperty("group", out var parts) ? parts : default;
        var document = new CaseDocument
        {
            Fingerprint = fingerprint,
            TraceId = traceId,
            Group = new CaseGroup(failure, JsonText.Text(group, "agent") ?? "", JsonText.Text(group, "subject") ?? "", JsonText.Text(group, "error_type") ?? "", JsonText.Text(group, "message") ?? ""),
            Title = JsonText.Text(root, "title") ?? "",
            RecordedAt = recordedAt,
            UpdatedAt = JsonText.Time(root, "updated_at"),
            FirstSeen = JsonText.Time(root, "first_seen") ?? recordedAt,
            Life = new CaseLife(status, JsonText.Time(root, "status_since"), JsonText.Text(root, "status_reason"), JsonText.Text(root, "fixed_in")),
            NotReplayable = [.. JsonText.Texts(root, "not_replayable_because")],
            VerdictsOmitted = (int)(JsonText.Number(root, "verdicts_omitted") ?? 0),
            SpanCount = (int)(JsonText.Number(root, "span_count") ?? 0),
            LogCount = (int)(JsonText.Number(root, "log_count") ?? 0),
            IsTruncationSuspected = JsonText.Text(root, "truncated") is not null,
            Shape = JsonText.Text(root, "shape") ?? "",
            Input = JsonText.Text(root, "input") ?? "",
            FirstSpanUnixNano = UnixNano(JsonText.Text(root, "first_span_at")),
            LastSpanUnixNano = UnixNano(JsonText.Text(root, "last_span_at")),
            Run = root.TryGetProperty("run", out var run) ? run : null,
            Ids = root.TryGetProperty("ids", out var ids) ? ids : null,
        };
        document.Services.AddRange(JsonText.Texts(root, "services"));
        document.Versions.AddRange(JsonText.Texts(root, "versions"));
        document.Models.AddRange(JsonText.Texts(root, "models"));
        document.Incomplete.UnionWith(JsonText.Texts(root, "incomplete_because"));
        document.FetchedFrom.AddRange(JsonText.Texts(root, "fetched_from"));
        if (root.TryGetProperty("verdicts", out var verdicts) && verdicts.ValueKind == JsonValueKind.Array)
        {
            document.Verdicts.AddRange(verdicts.EnumerateArray().Select(ReadVerdict));
        }

        if (root.TryGetProperty("traces", out var traces) && traces.ValueKind == JsonValueKind.Array)
        {
            foreach (var trace in traces.EnumerateArray())
            {
                if (TraceId.TryParse(JsonText.Text(trace, "trace_id"), out var kept))
                {
                    document.Traces.Add(new KeptTrace(kept, JsonText.Text(trace, "version") ?? "", JsonText.Text(trace, "model") ?? "", JsonText.Text(trace, "shape") ?? "", JsonText.Text(trace, "input") ?? "", JsonText.Time(trace, "recorded_at") ?? recordedAt));
                }
            }
        }

        document._others.AddRange(root.EnumerateObject().Where(property => !Known.Contains(property.Name)));
        return document;
    }

    private static CaseVerdict ReadVerdict(JsonElement verdict)
    {
        if (verdict.ValueKind != JsonValueKind.Object || JsonText.Text(verdict, "failure") is not { } failure)
        {
            throw new JsonException("a verdict is an object with a failure");
        }

        _ = SpanId.TryParse(JsonText.Text(verdict, "span_id"), out var spanId); // none: on the trace as a whole
        _ = SpanId.TryParse(JsonText.Text(verdict, "origin"), out var origin);
        return new CaseVerdict(spanId, JsonText.Text(verdict, "span_name"), failure, [.. JsonText.Texts(verdict, "rules")], JsonText.Text(verdict, "source") ?? "")
        {
            Origin = origin,
            Score = verdict.TryGetProperty("score", out var score) && score.ValueKind == JsonValueKind.Number ? score.GetDouble() : null,
            Label = JsonText.Text(verdict, "label"),
            Explanation = JsonText.Text(verdict, "explanation"),
            Evidence = [.. JsonText.Texts(verdict, "evidence")],
        };
    }

    // Nine decimals, as they were written. What people wrote in the place of a time: none.
    private static ulong UnixNano(string? text)
    {
        const int Length = 30;
        return text is { Length: Length }
            && DateTimeOffset.TryParse(text.AsSpan(0, 19), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            && time >= DateTimeOffset.UnixEpoch
            && ulong.TryParse(text.AsSpan(20, 9), NumberStyles.None, CultureInfo.InvariantCulture, out var nano)
            ? ((ulong)time.ToUnixTimeSeconds() * 1_000_000_000) + nano
            : 0;
    }

    private IEnumerable<string> KindsOf(bool isMark) => Verdicts.Select(verdict => verdict.Failure).Where(failure => FailureKind.IsMark(failure) == isMark).Distinct();

    private static void WriteIfAny(Utf8JsonWriter json, string name, JsonElement? value)
    {
        if (value is { } element)
        {
            json.WritePropertyName(name);
            element.WriteTo(json);
        }
    }

    private void WriteVerdicts(Utf8JsonWriter json)
    {
        json.WriteStartArray("verdicts");
        foreach (var verdict in Verdicts)
        {
            json.WriteStartObject();
            JsonText.WriteStringOrNull(json, "span_id", verdict.SpanId.IsZero ? null : verdict.SpanId.ToString());
            JsonText.WriteStringOrNull(json, "span_name", verdict.SpanName);
            json.WriteString("failure", verdict.Failure);
            JsonText.WriteStrings(json, "rules", verdict.Rules);
            json.WriteString("source", verdict.Source);
            JsonText.WriteIfAny(json, "origin", verdict.Origin.IsZero ? null : verdict.Origin.ToString());
            if (verdict.Score is { } score && double.IsFinite(score))
            {
                json.WriteNumber("score", score);
            }

            JsonText.WriteIfAny(json, "label", verdict.Label);
            JsonText.WriteIfAny(json, "explanation", verdict.Explanation);
            if (verdict.Evidence.Count > 0)
            {
                JsonText.WriteStrings(json, "evidence", verdict.Evidence);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (VerdictsOmitted > 0)
        {
            json.WriteNumber("verdicts_omitted", VerdictsOmitted);
        }
    }
}
