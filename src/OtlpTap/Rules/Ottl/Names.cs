using System.Collections.Frozen;

namespace OtlpTap.Rules.Ottl;

/// <summary>The names that OTTL knows, and what a rule can do with them.</summary>
internal static class Names
{
    private static readonly FrozenDictionary<string, long> SpanEnums = new Dictionary<string, long>
    {
        ["STATUS_CODE_UNSET"] = 0,
        ["STATUS_CODE_OK"] = 1,
        ["STATUS_CODE_ERROR"] = 2,
        ["SPAN_KIND_UNSPECIFIED"] = 0,
        ["SPAN_KIND_INTERNAL"] = 1,
        ["SPAN_KIND_SERVER"] = 2,
        ["SPAN_KIND_CLIENT"] = 3,
        ["SPAN_KIND_PRODUCER"] = 4,
        ["SPAN_KIND_CONSUMER"] = 5,
    }.ToFrozenDictionary();

    /// <summary>Fields that a slot holds.</summary>
    private static readonly FrozenDictionary<string, int> Slots = new Dictionary<string, int>
    {
        ["span.name"] = FixedSlots.SpanName,
        ["span.kind"] = FixedSlots.SpanKind,
        ["span.status.code"] = FixedSlots.StatusCode,
        ["span.status.message"] = FixedSlots.StatusMessage,
        ["instrumentation_scope.name"] = FixedSlots.ScopeName,
        ["instrumentation_scope.version"] = FixedSlots.ScopeVersion,
        ["spanevent.name"] = FixedSlots.EventName,
        ["log.event_name"] = FixedSlots.LogEventName,
        ["log.severity_number"] = FixedSlots.LogSeverityNumber,
        ["log.severity_text"] = FixedSlots.LogSeverityText,
        ["log.body"] = FixedSlots.LogBody,
    }.ToFrozenDictionary();

    /// <summary>All fields there are; a rule can use those of <see cref="Slots"/>, and attributes by key.</summary>
    private static readonly FrozenDictionary<string, string[]> Fields = new Dictionary<string, string[]>
    {
        ["span"] =
        [
            "attributes", "name", "kind", "status.code", "status.message", "status", "kind.string", "kind.deprecated_string", "trace_id", "trace_id.string",
            "span_id", "span_id.string", "parent_span_id", "parent_span_id.string", "trace_state", "start_time", "start_time_unix_nano", "end_time",
            "end_time_unix_nano", "dropped_attributes_count", "events", "dropped_events_count", "links", "dropped_links_count", "flags", "cache",
        ],
        ["spanevent"] = ["attributes", "name", "time", "time_unix_nano", "dropped_attributes_count", "event_index", "cache"],
        ["resource"] = ["attributes", "dropped_attributes_count", "schema_url"],
        ["instrumentation_scope"] = ["attributes", "name", "version", "dropped_attributes_count", "schema_url"],
        ["log"] =
        [
            "attributes", "event_name", "trace_id", "trace_id.string", "span_id", "span_id.string", "time", "time_unix_nano", "observed_time",
            "observed_time_unix_nano", "severity_number", "severity_text", "body", "body.string", "dropped_attributes_count", "flags", "cache",
        ],
        ["otelcol"] = ["client.addr", "client.metadata", "client.auth.attributes", "grpc.metadata"],
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, long> LogEnums = SeverityEnums().ToFrozenDictionary();

    public static IEnumerable<string> EnumsFor(RuleContext context) => TableFor(context).Keys;

    public static IEnumerable<string> Converters => Expressions.Converters.All.Keys;

    public static long? EnumValue(string name, RuleContext context) => TableFor(context).TryGetValue(name, out var value) ? value : null;

    public static int? SlotOf(string context, string field) => Slots.TryGetValue($"{context}.{field}", out var slot) ? slot : null;

    public static IReadOnlyList<string> FieldsOf(string context) => Fields[context];

    public static bool IsConverter(string name) => Expressions.Converters.All.ContainsKey(name);

    /// <summary>Null for a name that is no context. <c>scope</c> is a second name of <c>instrumentation_scope</c>.</summary>
    public static string? ContextOf(string name) => name == "scope" ? "instrumentation_scope" : Fields.ContainsKey(name) ? name : null;

    /// <summary>The contexts that a condition may read, its own first.</summary>
    public static IReadOnlyList<string> ContextsFor(RuleContext context) => context switch
    {
        RuleContext.Span => ["span", "resource", "instrumentation_scope", "otelcol"],
        RuleContext.SpanEvent => ["spanevent", "span", "resource", "instrumentation_scope", "otelcol"],
        _ => ["log", "resource", "instrumentation_scope", "otelcol"],
    };

    /// <summary>What a rule does instead of reading a field that it cannot; empty where there is nothing to say.</summary>
    public static string Elsewhere(string context, string field) => $"{context}.{field}" switch
    {
        "span.events" => "; a rule with `context: spanevent` looks at each event of the span",
        "span.parent_span_id" or "span.parent_span_id.string" or "span.links" => "; a rule looks at one span alone, and what needs others of its trace is for detectors, behind the line",
        _ => "",
    };

    /// <summary>The same of a converter.</summary>
    public static string Elsewhere(string converter) => converter switch
    {
        "IsRootSpan" => "; a rule looks at one span alone, and what needs others of its trace is for detectors, behind the line",
        "ParseJSON" or "ParseKeyValue" or "ParseCSV" or "ParseXML" or "ParseSimplifiedXML" or "ParseSeverity" or "ExtractPatterns" or "ExtractGrokPatterns" or "GetXML" =>
            "; parsing what a span carries takes longer than the line may, and is for detectors, behind it; IsMatch looks at the text as it is",
        _ => "",
    };

    /// <summary>The end of a sentence: <c>; did you mean X?</c> for the nearest of the names, a full stop when none is near.</summary>
    public static string Suggest(string wrong, IEnumerable<string> names)
    {
        var nearest = "";
        var distance = Math.Max(2, wrong.Length / 3) + 1;
        foreach (var name in names.Order(StringComparer.Ordinal))
        {
            var next = Distance(wrong, name);
            if (next < distance)
            {
                (nearest, distance) = (name, next);
            }
        }

        return nearest.Length == 0 ? "." : $"; did you mean {nearest}?";
    }

    private static FrozenDictionary<string, long> TableFor(RuleContext context) => context == RuleContext.Log ? LogEnums : SpanEnums;

    private static Dictionary<string, long> SeverityEnums()
    {
        var enums = new Dictionary<string, long> { ["SEVERITY_NUMBER_UNSPECIFIED"] = 0 };
        foreach (var level in (string[])["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])
        {
            for (var i = 1; i <= 4; i++)
            {
                enums.Add($"SEVERITY_NUMBER_{level}{(i == 1 ? "" : i)}", enums.Count);
            }
        }

        return enums;
    }

    /// <summary>Levenshtein's, without regard to case; two neighbours in the wrong order are one slip.</summary>
    private static int Distance(string left, string right)
    {
        var beforeAbove = new int[right.Length + 1];
        var above = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var row = new int[right.Length + 1];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                row[j] = Math.Min(Math.Min(above[j], row[j - 1]) + 1, above[j - 1] + (Same(i, j) ? 0 : 1));
                if (i > 1 && j > 1 && Same(i, j - 1) && Same(i - 1, j))
                {
                    row[j] = Math.Min(row[j], beforeAbove[j - 2] + 1);
                }
            }

            (beforeAbove, above) = (above, row);
        }

        return above[^1];

        bool Same(int i, int j) => char.ToLowerInvariant(left[i - 1]) == char.ToLowerInvariant(right[j - 1]);
    }
}
