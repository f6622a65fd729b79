using System.Globalization;
using OtlpTap.Health;

namespace OtlpTap.Advice.Conditions;

/// <summary>The names of values: see <see cref="HealthValue"/>.</summary>
internal static class ValueName
{
    private static readonly (string Text, HealthWindow Window)[] Windows = [("1m", HealthWindow.Minute), ("5m", HealthWindow.FiveMinutes), ("1h", HealthWindow.Hour)];
    private static readonly string[] Callers = ["tool", "llm", "run"];
    private static readonly string[] Calls = ["calls", "errors", "errors.ratio", "latency.p50", "latency.p90", "latency.p95", "latency.p99"];

    /// <summary>Every name without a word of the operator's own in it, for whoever mistyped one.</summary>
    public static IEnumerable<string> All =>
        from name in Callers.SelectMany(subject => Calls.Select(measure => $"{subject}.{measure}")).Concat(
            ["hallucination.count", "hallucination.ratio", "feedback.count", "feedback.negative", "feedback.negative.ratio", "grounding.mean", "tokens.input", "tokens.output", "tokens.total"])
        from window in Windows
        select $"{name}_{window.Text}";

    public static bool TryParse(string text, out HealthValue value)
    {
        value = default;
        var bar = text.LastIndexOf('_');
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (bar < 0 || dot <= 0 || dot > bar)
        {
            return false;
        }

        foreach (var (name, window) in Windows)
        {
            if (text.AsSpan(bar + 1).SequenceEqual(name))
            {
                return TryParse(text[..dot], text[(dot + 1)..bar], window, out value);
            }
        }

        return false;
    }

    private static bool TryParse(string subject, string measure, HealthWindow window, out HealthValue value)
    {
        var parsed = subject switch
        {
            "tool" => Call(HealthSubject.Tool, measure),
            "llm" => Call(HealthSubject.Llm, measure),
            "run" => Call(HealthSubject.Run, measure),
            "feedback" => measure switch
            {
                "count" => Of(HealthSubject.Feedback, HealthMeasure.Count),
                "negative" => Of(HealthSubject.Feedback, HealthMeasure.NegativeCount),
                "negative.ratio" => Of(HealthSubject.Feedback, HealthMeasure.NegativeRatio),
                _ => null,
            },
            "evaluation" => Evaluation(measure),
            "grounding" => measure switch
            {
                "mean" => Of(HealthSubject.Grounding, HealthMeasure.Mean),
                "count" => Of(HealthSubject.Grounding, HealthMeasure.Count),
                _ => null,
            },
            "tokens" => measure is "input" or "output" or "total" ? Of(HealthSubject.Tokens, HealthMeasure.Sum, measure) : null,
            _ => measure switch
            {
                "count" => Of(HealthSubject.Failure, HealthMeasure.Count, subject),
                "ratio" => Of(HealthSubject.Failure, HealthMeasure.ErrorRatio, subject),
                _ => null,
            },
        };
        value = (parsed ?? default) with { Window = window };
        return parsed is not null;
    }

    private static HealthValue? Call(HealthSubject subject, string measure)
    {
        if (measure.StartsWith("errors.", StringComparison.Ordinal))
        {
            var kind = measure["errors.".Length..];
            return kind == "ratio" ? Of(subject, HealthMeasure.ErrorRatio)
                : kind.EndsWith(".ratio", StringComparison.Ordinal) ? Of(subject, HealthMeasure.ErrorRatio, kind[..^".ratio".Length])
                : kind.Length > 0 ? Of(subject, HealthMeasure.Errors, kind)
                : null;
        }

        return measure switch
        {
            "calls" => Of(subject, HealthMeasure.Count),
            "errors" => Of(subject, HealthMeasure.Errors),
            "latency.p50" or "latency.p90" or "latency.p95" or "latency.p99" =>
                Of(subject, HealthMeasure.Latency) with { Quantile = int.Parse(measure.AsSpan("latency.p".Length), CultureInfo.InvariantCulture) / 100.0 },
            _ => null,
        };
    }

    private static HealthValue? Evaluation(string measure)
    {
        var dot = measure.LastIndexOf('.');
        return dot <= 0 ? null : measure[(dot + 1)..] switch
        {
            "mean" => Of(HealthSubject.Evaluation, HealthMeasure.Mean, measure[..dot]),
            "count" => Of(HealthSubject.Evaluation, HealthMeasure.Count, measure[..dot]),
            _ => null,
        };
    }

    private static HealthValue Of(HealthSubject subject, HealthMeasure measure, string name = "") => new(subject, measure, default, name, 0);
}
