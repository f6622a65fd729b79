using System.Globalization;
using System.Text.Json;

namespace OtlpTap.Cli;

/// <summary>The report of <c>GET /api/v1/advice/report</c> for people: on a terminal, or as Markdown.</summary>
internal sealed class EffectText(TextWriter output, bool isMarkdown)
{
    private const int FallbacksMax = 20;

    private readonly string _indent = isMarkdown ? "" : "  ";

    public void Write(JsonElement report)
    {
        var hours = report.GetProperty("window_seconds").GetDouble() / 3600;
        var holdout = report.GetProperty("holdout").GetDouble();
        Head(1, "Did advice help?");
        Say(Invariant($"The last {hours:0.#} h at {report.GetProperty("generated_at").GetString()}; {(holdout > 0 ? $"{Share(holdout)} of traces go without advice, so that it can be measured" : "no trace goes without advice (processors.tap.advice.holdout is 0), so that there is nothing to compare with")}."));
        var policies = report.GetProperty("policies");
        if (policies.GetArrayLength() == 0)
        {
            Say("No run was concerned by advice.");
        }

        foreach (var policy in policies.EnumerateArray())
        {
            WritePolicy(policy, report.GetProperty("min_runs").GetInt64());
        }

        WriteOwn(report.GetProperty("own"));
        WriteFallbacks(report.GetProperty("fallbacks"));
    }

    private void WritePolicy(JsonElement policy, long runsMin)
    {
        var service = Text(policy, "service");
        Head(2, $"{Text(policy, "policy")}{(service.Length > 0 ? $" in {service}" : "")}");
        var effect = policy.GetProperty("effect");
        Say(Sentence(policy, effect, runsMin));
        WriteArms(policy, effect);
        WriteComparisons(policy);
        if (policy.GetProperty("held_out_but_followed").GetInt64() is > 0 and var against)
        {
            Say(Invariant($"{against:N0} runs that were held out followed the advice all the same: their agents ask without the trace's id, and the true effect is larger."));
        }

        WriteItems(policy.GetProperty("advice"));
    }

    private static string Sentence(JsonElement policy, JsonElement effect, long runsMin)
    {
        var (with, without) = (Runs(effect, "with"), Runs(effect, "without"));
        return effect.GetProperty("claim").GetString() switch
        {
            "helps" => $"It helps: {Difference(effect)}.",
            "harms" => $"It harms: {Difference(effect)}.",
            "no_difference_shown" => $"No difference is shown: {Difference(effect)}.",
            "not_enough_data" => Invariant($"Not enough data: {with:N0} runs with advice and {without:N0} held out; {runsMin:N0} of each are needed."),
            "unbalanced" => Invariant($"Nothing can be said from these runs: {without:N0} were held out where chance makes it about {policy.GetProperty("held_out_expected").GetDouble():N0}. Agents that follow advice without a fallback span are missing; \"all runs\" has them."),
            _ => "Nothing to compare with: no run was held out (processors.tap.advice.holdout).",
        };
    }

    private void WriteArms(JsonElement policy, JsonElement effect)
    {
        var table = new TextTable("runs that came to it", ">runs", ">succeeded", ">success", ">median", ">negative", "scores");
        var arms = policy.GetProperty("arms");
        AddArm(table, "with advice", effect.GetProperty("with"));
        AddArm(table, "- followed", arms.GetProperty("fallback"));
        AddArm(table, "- not followed", arms.GetProperty("advised"));
        AddArm(table, "held out", arms.GetProperty("held_out"));
        Write(table);
    }

    private static void AddArm(TextTable table, string name, JsonElement arm)
    {
        var feedback = arm.GetProperty("with_feedback").GetInt64();
        table.Add(
            name,
            Count(arm, "runs"),
            Count(arm, "succeeded"),
            arm.TryGetProperty("success", out var success) ? Share(success.GetDouble()) : "",
            arm.TryGetProperty("latency_median_seconds", out var median) ? Duration(median.GetDouble()) : "",
            feedback > 0 ? Invariant($"{arm.GetProperty("negative").GetInt64():N0} of {feedback:N0}") : "",
            string.Join(", ", arm.GetProperty("evaluations").EnumerateObject().Select(score => Invariant($"{score.Name} {score.Value.GetProperty("mean").GetDouble():0.##}"))));
    }

    private void WriteComparisons(JsonElement policy)
    {
        var table = new TextTable("compared", ">with", ">without", ">difference", ">95 % interval", "");
        foreach (var (name, key) in new[] { ("by intention to treat", "effect"), ("- all runs of the agents", "effect_all_runs"), ("as treated", "as_treated") })
        {
            var comparison = policy.GetProperty(key);
            table.Add(name, SuccessOf(comparison, "with"), SuccessOf(comparison, "without"), Points(comparison), Between(comparison), Remark(comparison));
        }

        Write(table);
    }

    private void WriteItems(JsonElement items)
    {
        var table = new TextTable("advice", ">with", ">held out", ">difference", ">95 % interval", "");
        foreach (var item in items.EnumerateArray())
        {
            var effect = item.GetProperty("effect");
            table.Add(Text(item, "id"), SuccessOf(effect, "with"), SuccessOf(effect, "without"), Points(effect), Between(effect), Remark(effect));
        }

        if (items.GetArrayLength() > 1)
        {
            Write(table);
        }
    }

    private void WriteOwn(JsonElement own)
    {
        var table = new TextTable("service", "agent", "what failed", ">with fallback", ">without", ">difference", ">95 % interval", "");
        foreach (var row in own.EnumerateArray())
        {
            var comparison = row.GetProperty("comparison");
            table.Add(Text(row, "service"), Text(row, "agent"), Text(row, "tool") + Text(row, "model"), SuccessOf(comparison, "with"), SuccessOf(comparison, "without"), Points(comparison), Between(comparison), Remark(comparison));
        }

        if (!table.IsEmpty)
        {
            Head(2, "Fallbacks of the agents' own, against similar runs without");
            Write(table);
        }
    }

    private void WriteFallbacks(JsonElement fallbacks)
    {
        var table = new TextTable(">count", "service", "agent", "fallback", "why", "last taken (hour, UTC)");
        foreach (var row in fallbacks.EnumerateArray().Take(FallbacksMax))
        {
            table.Add(Count(row, "count"), Text(row, "service"), Text(row, "agent"), Text(row, "advice"), Text(row, "reason"), row.GetProperty("hours").EnumerateArray().Select(Hour).LastOrDefault());
        }

        if (table.IsEmpty)
        {
            return;
        }

        Head(2, "Fallbacks that were taken");
        Write(table);
        if (fallbacks.GetArrayLength() is > FallbacksMax and var all)
        {
            Say(Invariant($"... and {all - FallbacksMax:N0} more rows: --format json has them."));
        }
    }

    private static string Hour(JsonElement hour) => hour.GetProperty("from").GetDateTimeOffset().UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    private void Head(int level, string text)
    {
        var plain = TextTable.Plain(text);
        if (level > 1)
        {
            output.WriteLine();
        }

        output.WriteLine(isMarkdown ? $"{new string('#', level)} {plain}" : plain);
    }

    private void Say(string text)
    {
        if (isMarkdown)
        {
            output.WriteLine();
        }

        output.WriteLine(_indent + text);
    }

    private void Write(TextTable table)
    {
        output.WriteLine();
        table.WriteTo(output, isMarkdown, _indent);
    }

    private static string Remark(JsonElement comparison) => comparison.GetProperty("claim").GetString() switch
    {
        "helps" => "helps",
        "harms" => "harms",
        "no_difference_shown" => "no difference shown",
        "not_enough_data" => "not enough data",
        "unbalanced" => "sides are not alike",
        "no_holdout" => "none held out",
        _ => "biased: agents chose",
    };

    private static string Difference(JsonElement comparison)
    {
        var latency = !comparison.TryGetProperty("latency_ratio", out var ratio) ? ""
            : ratio.GetDouble() is > 0.95 and < 1.05 ? ", and takes as long"
            : Invariant($", and takes {ratio.GetDouble():0.##} times as long");
        return $"success {Points(comparison)} points (95 %: {Between(comparison)}){latency}";
    }

    private static string SuccessOf(JsonElement comparison, string side)
    {
        var arm = comparison.GetProperty(side);
        return arm.TryGetProperty("success", out var success) ? Invariant($"{Share(success.GetDouble())} of {Count(arm, "runs")}") : "no runs";
    }

    private static string Points(JsonElement comparison) => comparison.TryGetProperty("difference", out var difference) ? Signed(difference.GetDouble()) : "";

    private static string Between(JsonElement comparison) =>
        comparison.TryGetProperty("interval", out var interval) ? $"{Signed(interval[0].GetDouble())} to {Signed(interval[1].GetDouble())}" : "";

    private static long Runs(JsonElement comparison, string side) => comparison.GetProperty(side).GetProperty("runs").GetInt64();

    private static string Count(JsonElement of, string name) => Invariant($"{of.GetProperty(name).GetInt64():N0}");

    private static string Text(JsonElement of, string name) => of.TryGetProperty(name, out var text) ? text.GetString()! : "";

    private static string Share(double share) => Invariant($"{share * 100:0.#} %");

    private static string Signed(double share) => (share * 100).ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture);

    private static string Duration(double seconds) => seconds switch
    {
        < 1 => Invariant($"{seconds * 1000:0} ms"),
        < 100 => Invariant($"{seconds:0.#} s"),
        _ => Invariant($"{seconds / 60:0.#} min"),
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
