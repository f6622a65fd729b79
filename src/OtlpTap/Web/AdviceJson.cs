using System.Text.Json;
using OtlpTap.Advice;

namespace OtlpTap.Web;

/// <summary>
/// Advice as the API, its stream and its tools tell it:
/// <code>
///   { "version": 12, "generated_at": "2026-01-01T00:00:00Z", "holdout": 0.1, "held_out": false,
///     "advice": [ { "id": "tool-failing:shop/planner/search", "policy": "tool-failing", "advice": "reroute",
///                   "service": "shop", "agent": "planner", "tool": "search", "parameters": { "fallback_tool": "search_backup" },
///                   "since": "2026-01-01T00:00:00Z", "reason": "...", "values": { "tool.errors.ratio_1m": 0.8 } } ] }
/// </code>
/// </summary>
internal static class AdviceJson
{
    public static void Write(Utf8JsonWriter json, AdviceSnapshot snapshot, AdviceQuery query, double holdout, DateTimeOffset now)
    {
        var isHeldOut = query.IsHeldOut(holdout);
        json.WriteStartObject();
        json.WriteNumber("version", snapshot.Version);
        json.WriteString("generated_at", GoTime.Instant(now));
        json.WriteNumber("holdout", holdout);
        if (query.Trace is not null)
        {
            json.WriteBoolean("held_out", isHeldOut);
        }

        json.WriteStartArray("advice");
        foreach (var item in isHeldOut ? [] : snapshot.Items)
        {
            if (query.IsConcernedBy(item))
            {
                Write(json, item);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, AdviceItem item)
    {
        json.WriteStartObject();
        json.WriteString("id", item.Id);
        json.WriteString("policy", item.Policy);
        json.WriteString("advice", item.Advice);
        json.WriteScope(item.Scope);
        json.WriteStartObject("parameters");
        foreach (var (name, value) in item.Parameters)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
        json.WriteString("since", GoTime.Instant(item.Since));
        json.WriteString("reason", item.Reason);
        json.WriteStartObject("values");
        foreach (var (name, value) in item.Values)
        {
            // JSON has no other numbers.
            if (double.IsFinite(value))
            {
                json.WriteNumber(name, value);
            }
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}
