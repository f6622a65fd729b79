using System.Text.Json;
using OtlpTap.Otlp;

namespace OtlpTap.Evaluations;

/// <summary>Evaluation results out of attributes, form by form. A result has its metric, score, label and so on; whom it speaks of is for the caller.</summary>
internal static class ResultReader
{
    private const string Prefix = "gen_ai.evaluation.";

    // A span with more results than these is no evaluation.
    private const int ResultsMax = 64;

    /// <summary>What stands behind <c>gen_ai.evaluation.</c> and is no metric's name.</summary>
    private static readonly HashSet<string> Reserved =
    [
        "name", "score", "label", "explanation", "reason", "reasoning", "result", "value", "passed", "success", "type", "kind", "target", "evaluator", "evaluators", "metadata", "threshold", "min_value", "max_value", "desirable_direction", "direction", "id", "run", "dataset", "comment", "status", "model", "provider", "input", "output", "context", "actor", "source", "count", "duration", "cost", "usage", "user_feedback",
    ];

    /// <summary>Who says so: a person by one of the marks that SDKs set.</summary>
    public static Evaluator EvaluatorOf(Attributes attributes)
    {
        var source = attributes.Text("microsoft.human_evaluation.source", "microsoft.gen_ai.human_evaluation.source");
        var actor = attributes.Text("microsoft.gen_ai.evaluation.actor.type", "gen_ai.evaluation.actor.type", "gen_ai.evaluation.evaluator.type", "gen_ai.evaluation.evaluator.source", "gen_ai.evaluation.source", "annotator_kind", "source_type", "source.source_type");
        return source is "end_user" or "builder" || string.Equals(actor, "human", StringComparison.OrdinalIgnoreCase) ? Evaluator.Human : Evaluator.Machine;
    }

    /// <summary>
    /// <c>gen_ai.evaluation.name</c> with score and label, as an event, a log record or a span has it.
    /// </summary>
    /// <param name="eventName">Where its metric is the event's name (<c>gen_ai.evaluation.{metric}</c>), and null of a span.</param>
    public static Evaluation? Standard(Attributes attributes, string? eventName)
    {
        ReadProperties(attributes);
        var suffix = eventName is not null && eventName.StartsWith(Prefix, StringComparison.Ordinal) ? eventName[Prefix.Length..] : "";
        var isFeedback = suffix == "user_feedback";
        var metric = attributes.Text(Prefix + "name") ?? (suffix is "" or "result" or "results" ? null : suffix);
        if (metric is null)
        {
            return null;
        }

        var score = attributes.Number(Prefix + "score.value", Prefix + "score", Prefix + "value", "score");
        var label = attributes.Text(Prefix + "score.label", Prefix + "label", Prefix + "result", Prefix + "status", "label");
        label ??= PassOrFail(attributes, Prefix + "passed") ?? PassOrFail(attributes, Prefix + "success");
        if (score is null && label is null && !attributes.Has("error.type"))
        {
            return null;
        }

        // 1 is up and -1 is down, by its document.
        return Complete(attributes, metric, score, label, [Prefix + "explanation", Prefix + "reason", Prefix + "reasoning", Prefix + "comment", "explanation", "comment", "body.comment"], Prefix) with
        {
            IsFeedback = isFeedback,
            Evaluator = isFeedback ? Evaluator.Human : EvaluatorOf(attributes),
            HasFailed = score is null && label is null,
            Min = isFeedback ? -1 : NumberBehind(attributes, Prefix, "min_value", "min", "min_score"),
            Max = isFeedback ? 1 : NumberBehind(attributes, Prefix, "max_value", "max", "max_score"),
        };
    }

    /// <summary><c>gen_ai.evaluation.{metric}</c> as attributes of their own, with the score, or with <c>.score</c>, <c>.label</c> and <c>.explanation</c> behind it.</summary>
    public static IEnumerable<Evaluation> ByMetric(Attributes attributes)
    {
        var metrics = new List<string>();
        foreach (var (key, _) in attributes.All)
        {
            if (key.StartsWith(Prefix, StringComparison.Ordinal))
            {
                var metric = key[Prefix.Length..];
                metric = metric.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? metric[..dot] : metric;
                if (metric.Length > 0 && !Reserved.Contains(metric) && !metrics.Contains(metric) && metrics.Count < ResultsMax && !metric.EndsWith("_explanation", StringComparison.Ordinal) && !metric.EndsWith("_reason", StringComparison.Ordinal))
                {
                    metrics.Add(metric);
                }
            }
        }

        foreach (var metric in metrics)
        {
            var key = Prefix + metric;
            var score = attributes.Number(key + ".score.value", key + ".score", key + ".value", key);
            var label = attributes.Text(key + ".score.label", key + ".label", key + ".result") ?? (score is null && attributes[key] is string text ? text : null);
            if (score is not null || label is not null)
            {
                yield return Complete(attributes, metric, score, label, [key + ".explanation", key + ".reason", key + "_explanation", key + "_reason"], key + ".") with { Evaluator = EvaluatorOf(attributes) };
            }
        }
    }

    /// <summary>OpenInference: <c>evaluations.0.evaluation.*</c> and <c>annotations.0.annotation.*</c>, of a span or with <c>trace.</c> or <c>session.</c> before them.</summary>
    public static IEnumerable<Evaluation> OpenInference(Attributes attributes)
    {
        var heads = new List<(string Head, EvaluationScope Scope)>();
        foreach (var (key, _) in attributes.All)
        {
            if (TryReadHead(key, out var head, out var scope) && !heads.Contains((head, scope)) && heads.Count < ResultsMax)
            {
                heads.Add((head, scope));
            }
        }

        foreach (var (head, scope) in heads)
        {
            var metadata = new Attributes();
            if (attributes.Text(head + "metadata") is { } json)
            {
                metadata.TryAddJson(json);
            }

            var metric = attributes.Text(head + "name");
            var score = attributes.Number(head + "score");
            var label = attributes.Text(head + "label");
            if (metric is not null && (score is not null || label is not null))
            {
                yield return Complete(metadata, metric, score, label, [], "") with
                {
                    Explanation = Cut(attributes.Text(head + "explanation")),
                    Scope = scope,
                    Evaluator = string.Equals(attributes.Text(head + "annotator_kind"), "HUMAN", StringComparison.OrdinalIgnoreCase) ? Evaluator.Human : Evaluator.Machine,
                };
            }
        }
    }

    /// <summary>Logfire: an annotation span names its metric, and an attribute of that name is its value.</summary>
    public static Evaluation? Logfire(Attributes attributes)
    {
        var metric = attributes.Text("logfire.feedback.name");
        if (metric is null || attributes[metric] is not { } value)
        {
            return null;
        }

        return new Evaluation
        {
            Metric = Cut(metric)!,
            Score = value is string ? Attributes.NumberOf(value) : Attributes.NumberOf(value),
            Label = value is string text ? Cut(text) : null,
            Explanation = Cut(attributes.Text("logfire.feedback.comment")),
            Evaluator = Evaluator.Human,
            IsFeedback = true,
        };
    }

    /// <summary>An evaluator's output: a number, a yes or no, a word, an object with score and label, or a list of these.</summary>
    /// <param name="metric">Where the output names none: the evaluator's name.</param>
    public static IEnumerable<Evaluation> Output(string output, string metric)
    {
        if (Attributes.Parse(output) is not { } document)
        {
            // A bare word.
            return output.Length <= MetricName.LengthMax ? [new Evaluation { Metric = Cut(metric)!, Label = output }] : [];
        }

        using (document)
        {
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Array
                ? [.. root.EnumerateArray().Take(ResultsMax).Select(item => OutputOf(item, metric)).OfType<Evaluation>()]
                : OutputOf(root, metric) is { } one ? [one] : [];
        }
    }

    /// <summary>Whether a guard's output says that it stopped something; null where it does not tell.</summary>
    public static bool? IsTriggered(string output)
    {
        var attributes = new Attributes();
        if (!attributes.TryAddJson(output))
        {
            return null;
        }

        foreach (var key in (ReadOnlySpan<string>)["triggered", "blocked", "flagged", "tripwire_triggered", "tripwireTriggered"])
        {
            if (attributes[key] is bool isTriggered)
            {
                return isTriggered;
            }
        }

        foreach (var key in (ReadOnlySpan<string>)["passed", "allowed", "valid", "is_valid", "success"])
        {
            if (attributes[key] is bool isPassed)
            {
                return !isPassed;
            }
        }

        return null;
    }

    public static string? Cut(string? text) => text?.Cut(Evaluation.TextLengthMax);

    private static Evaluation? OutputOf(JsonElement element, string metric)
    {
        var attributes = new Attributes();
        attributes.AddJson(element, element.ValueKind == JsonValueKind.Object ? "" : "value");
        metric = attributes.Text("name", "metric", "metric_name", "key", "assessment_name") ?? metric;
        var score = attributes.Number("score", "score.value", "value", "result", "feedback.value");
        var label = attributes.Text("label", "score.label", "verdict", "category", "classification", "status") ?? PassOrFail(attributes, "passed") ?? PassOrFail(attributes, "success") ?? PassOrFail(attributes, "pass");
        label ??= score is null ? attributes.Text("value", "result", "feedback.value", "score") : null;
        return score is null && label is null ? null : Complete(attributes, metric, score, label, ["reasoning", "reason", "explanation", "rationale", "justification", "comment"], "") with { Evaluator = EvaluatorOf(attributes) };
    }

    private static Evaluation Complete(Attributes attributes, string metric, double? score, string? label, ReadOnlySpan<string> explanations, string prefix) => new()
    {
        Metric = Cut(metric)!,
        Score = score ?? (label is not null ? Attributes.NumberOf(label) : null),
        Label = Cut(label),
        Explanation = Cut(attributes.Text(explanations)),
        Good = GoodEndOf(attributes, prefix),
        Threshold = NumberBehind(attributes, prefix, "threshold", "passing_threshold", "pass_threshold"),
        Min = NumberBehind(attributes, prefix, "min_value", "min", "min_score"),
        Max = NumberBehind(attributes, prefix, "max_value", "max", "max_score"),
    };

    private static GoodEnd GoodEndOf(Attributes attributes, string prefix)
    {
        foreach (var key in (ReadOnlySpan<string>)["desirable_direction", "direction", "optimization_direction", "optimisation_direction", "better"])
        {
            var end = TextBehind(attributes, prefix, key)?.ToLowerInvariant() switch
            {
                "increase" or "maximize" or "maximise" or "max" or "higher" or "high" or "up" or "higher_is_better" => GoodEnd.High,
                "decrease" or "minimize" or "minimise" or "min" or "lower" or "low" or "down" or "lower_is_better" => GoodEnd.Low,
                _ => GoodEnd.Unknown,
            };
            if (end != GoodEnd.Unknown)
            {
                return end;
            }
        }

        return TextBehind(attributes, prefix, "higher_is_better") is { } higher ? FromText(higher, GoodEnd.High, GoodEnd.Low)
            : TextBehind(attributes, prefix, "lower_is_better") is { } lower ? FromText(lower, GoodEnd.Low, GoodEnd.High)
            : GoodEnd.Unknown;
    }

    private static GoodEnd FromText(string text, GoodEnd whenTrue, GoodEnd whenFalse) =>
        text.Equals("true", StringComparison.OrdinalIgnoreCase) ? whenTrue : text.Equals("false", StringComparison.OrdinalIgnoreCase) ? whenFalse : GoodEnd.Unknown;

    // Some samples of Foundry say microsoft.gen_ai.evaluation.threshold.
    private static string? TextBehind(Attributes attributes, string prefix, string key) => attributes.Text(prefix + key, $"microsoft.{prefix}{key}", prefix + "metadata." + key);

    private static double? NumberBehind(Attributes attributes, string prefix, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (attributes.Number(prefix + key, $"microsoft.{prefix}{key}", prefix + "metadata." + key) is { } number)
            {
                return number;
            }
        }

        return null;
    }

    private static string? PassOrFail(Attributes attributes, string key) => attributes[key] is bool passed ? passed ? "pass" : "fail" : null;

    /// <summary>JSON texts that hold more of the result.</summary>
    private static void ReadProperties(Attributes attributes)
    {
        if (attributes.Text("internal_properties") is { } properties)
        {
            attributes.TryAddJson(properties);
        }

        if (attributes.Text(Prefix + "metadata") is { } metadata)
        {
            attributes.TryAddJson(metadata, Prefix + "metadata");
        }
    }

    /// <summary>From <c>trace.annotations.0.annotation.label</c> the head <c>trace.annotations.0.annotation.</c>.</summary>
    private static bool TryReadHead(string key, out string head, out EvaluationScope scope)
    {
        head = "";
        scope = EvaluationScope.Span;
        var rest = key.AsSpan();
        if (rest.StartsWith("trace."))
        {
            scope = EvaluationScope.Trace;
            rest = rest["trace.".Length..];
        }
        else if (rest.StartsWith("session."))
        {
            scope = EvaluationScope.Session;
            rest = rest["session.".Length..];
        }

        var singular = rest.StartsWith("evaluations.") ? ".evaluation." : rest.StartsWith("annotations.") ? ".annotation." : "";
        var at = singular.Length == 0 ? -1 : rest.IndexOf(singular, StringComparison.Ordinal);
        if (at < 0 || !int.TryParse(rest["evaluations.".Length..at], out _)) // both words are of one length
        {
            return false;
        }

        head = key[..(key.Length - rest.Length + at + singular.Length)];
        return true;
    }
}
