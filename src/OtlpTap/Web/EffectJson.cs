using System.Globalization;
using System.Text.Json;
using OtlpTap.Advice.Effect;

namespace OtlpTap.Web;

/// <summary>
/// The report as the API gives it. Shares lie between 0 and 1, times are in seconds; what is not known is left out.
/// <code>
///   { "generated_at", "window_seconds", "holdout", "min_runs", "confidence": 0.95,
///     "policies": [ { "policy", "service"?, "arms": { "fallback": ARM, "advised": ARM, "held_out": ARM },
///                     "effect": COMPARISON, "effect_all_runs": COMPARISON, "as_treated": COMPARISON,
///                     "held_out_expected", "balanced", "held_out_but_followed", "advice": [ the same with "id", "agent", "tool", "model" ] } ],
///     "own": [ { "service", "agent", "tool"?, "model"?, "comparison": COMPARISON } ],
///     "fallbacks": [ { "service", "agent", "advice", "reason", "count", "hours": [ { "from", "count" } ] } ] }
///   COMPARISON  { "claim", "biased", "with": ARM, "without": ARM, "difference"?, "interval": [low, high]?, "latency_ratio"? }
///   ARM         { "runs", "succeeded", "success"?, "latency_median_seconds"?, "with_feedback", "negative", "negative_share"?, "evaluations": { name: { "mean", "count" } } }
/// </code>
/// </summary>
internal static class EffectJson
{
    public static void Write(Utf8JsonWriter json, EffectReport report)
    {
        json.WriteStartObject();
        json.WriteString("generated_at", Time(report.GeneratedAt));
        json.WriteNumber("window_seconds", report.Window.TotalSeconds);
        json.WriteNumber("holdout", report.Holdout);
        json.WriteNumber("min_runs", report.RunsMin);
        json.WriteNumber("confidence", 0.95);
        WriteAll(json, "policies", report.Policies, WritePolicy);
        WriteAll(json, "own", report.Own, WriteOwn);
        WriteAll(json, "fallbacks", report.Fallbacks, WriteRow);
        json.WriteEndObject();
    }

    private static void WriteAll<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> entries, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (var entry in entries)
        {
            json.WriteStartObject();
            write(json, entry);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePolicy(Utf8JsonWriter json, PolicyEffect policy)
    {
        json.WriteString("policy", policy.Policy);
        if (policy.AdviceId.Length > 0)
        {
            json.WriteString("id", policy.AdviceId);
        }

        json.WriteScope(policy.Scope);
        json.WriteStartObject("arms");
        WriteArm(json, "fallback", policy.Fallback);
        WriteArm(json, "advised", policy.Advised);
        WriteArm(json, "held_out", policy.HeldOut);
        json.WriteEndObject();
        WriteComparison(json, "effect", policy.Effect);
        WriteComparison(json, "effect_all_runs", policy.AllRuns);
        WriteComparison(json, "as_treated", policy.AsTreated);
        json.WriteNumber("held_out_expected", Round(policy.Balance.Expected));
        json.WriteBoolean("balanced", policy.Balance.IsBalanced);
        json.WriteNumber("held_out_but_followed", policy.Against);
        if (policy.AdviceId.Length == 0)
        {
            WriteAll(json, "advice", policy.Items, WritePolicy);
        }
    }

    private static void WriteOwn(Utf8JsonWriter json, OwnEffect own)
    {
        json.WriteScope(own.Situation);
        WriteComparison(json, "comparison", own.Comparison);
    }

    private static void WriteRow(Utf8JsonWriter json, FallbackRow row)
    {
        json.WriteString("service", row.Labels.Service);
        json.WriteString("agent", row.Labels.Agent);
        json.WriteString("advice", row.Labels.Advice);
        json.WriteString("reason", row.Labels.Reason);
        json.WriteNumber("count", row.Count);
        WriteAll(json, "hours", row.Hours, static (json, hour) =>
        {
            json.WriteString("from", Time(hour.Hour));
            json.WriteNumber("count", hour.Count);
        });
    }

    private static void WriteComparison(Utf8JsonWriter json, string name, Comparison comparison)
    {
        json.WriteStartObject(name);
        json.WriteString("claim", Name(comparison.Claim));
        json.WriteBoolean("biased", comparison.IsBiased);
        WriteArm(json, "with", comparison.With);
        WriteArm(json, "without", comparison.Without);
        WriteIfKnown(json, "difference", comparison.Difference);
        if (comparison.Interval is { } interval)
        {
            json.WriteStartArray("interval");
            json.WriteNumberValue(Round(interval.Low));
            json.WriteNumberValue(Round(interval.High));
            json.WriteEndArray();
        }

        WriteIfKnown(json, "latency_ratio", comparison.LatencyRatio);
        json.WriteEndObject();
    }

    private static string Name(Claim claim) => claim switch
    {
        Claim.NoHoldout => "no_holdout",
        Claim.NotEnoughData => "not_enough_data",
        Claim.Unbalanced => "unbalanced",
        Claim.NoDifferenceShown => "no_difference_shown",
        Claim.Helps => "helps",
        Claim.Harms => "harms",
        _ => "observed",
    };

    private static void WriteArm(Utf8JsonWriter json, string name, ArmSummary arm)
    {
        json.WriteStartObject(name);
        json.WriteNumber("runs", arm.Success.Count);
        json.WriteNumber("succeeded", arm.Success.Successes);
        WriteIfKnown(json, "success", arm.Success.Count > 0 ? arm.Success.Share : null);
        WriteIfKnown(json, "latency_median_seconds", arm.MedianSeconds);
        json.WriteNumber("with_feedback", arm.WithFeedback);
        json.WriteNumber("negative", arm.WithBlame);
        WriteIfKnown(json, "negative_share", arm.WithFeedback > 0 ? (double)arm.WithBlame / arm.WithFeedback : null);
        json.WriteStartObject("evaluations");
        foreach (var (metric, score) in arm.Scores.Where(score => score.Value.Count > 0).OrderBy(score => score.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(metric);
            json.WriteNumber("mean", Round(score.Sum / score.Count));
            json.WriteNumber("count", score.Count);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteIfKnown(Utf8JsonWriter json, string name, double? number)
    {
        if (number is { } known && double.IsFinite(known))
        {
            json.WriteNumber(name, Round(known));
        }
    }

    // More digits than anybody can tell apart.
    private static double Round(double number) => Math.Round(number, 6);

    private static string Time(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
