using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace OtlpTap.Health;

/// <summary>
/// The names of values, in one table of forms. <c>*</c> stands for the kind of failure or the evaluator's metric; the window
/// follows behind an underscore.
/// </summary>
internal static class HealthValueNames
{
    private static readonly (string Text, HealthWindow Window)[] Windows = [("1m", HealthWindow.Minute), ("5m", HealthWindow.FiveMinutes), ("1h", HealthWindow.Hour)];

    private static readonly double[] Quantiles = [0.5, 0.9, 0.95, 0.99];

    private static readonly Form[] Forms =
    [
        .. CallForms("tool", HealthSubject.Tool),
        .. CallForms("llm", HealthSubject.Llm),
        .. CallForms("run", HealthSubject.Run),
        new("feedback.count", HealthSubject.Feedback, HealthMeasure.Count),
        new("feedback.negative", HealthSubject.Feedback, HealthMeasure.NegativeCount),
        new("feedback.negative.ratio", HealthSubject.Feedback, HealthMeasure.NegativeRatio),
        new("evaluation.*.mean", HealthSubject.Evaluation, HealthMeasure.Mean),
        new("evaluation.*.count", HealthSubject.Evaluation, HealthMeasure.Count),
        new("grounding.mean", HealthSubject.Grounding, HealthMeasure.Mean),
        new("grounding.count", HealthSubject.Grounding, HealthMeasure.Count),
        new("tokens.input", HealthSubject.Tokens, HealthMeasure.Sum, Name: "input"),
        new("tokens.output", HealthSubject.Tokens, HealthMeasure.Sum, Name: "output"),
        new("tokens.total", HealthSubject.Tokens, HealthMeasure.Sum, Name: "total"),

        // Last: any word before the dot that is no subject is a kind of failure.
        new("*.count", HealthSubject.Failure, HealthMeasure.Count),
        new("*.ratio", HealthSubject.Failure, HealthMeasure.ErrorRatio),
    ];

    private static readonly HashSet<string> Subjects = [.. Forms.Select(form => form.Text[..form.Text.IndexOf('.', StringComparison.Ordinal)])];

    public static bool TryParse(string name, out HealthValue value, [NotNullWhen(false)] out string? error)
    {
        value = default;
        var underscore = name.LastIndexOf('_');
        var windowText = underscore < 0 ? "" : name[(underscore + 1)..];
        foreach (var (text, window) in Windows)
        {
            if (text == windowText && TryParse(name[..underscore], window, out value))
            {
                error = null;
                return true;
            }
        }

        error = $"`{name}` is no value: the nearest is `{Nearest(name)}`; docs/health.md has them all";
        return false;
    }

    public static string Of(in HealthValue value)
    {
        foreach (var form in Forms)
        {
            if (form.Subject == value.Subject && form.Measure == value.Measure && form.Quantile == value.Quantile && (form.TakesName ? value.Name is { Length: > 0 } : form.Name == (value.Name ?? "")))
            {
                return $"{form.Text.Replace("*", value.Name, StringComparison.Ordinal)}_{TextOf(value.Window)}";
            }
        }

        return "";
    }

    /// <summary>Every value that there can be, given the kinds of failure and the metrics that have come.</summary>
    public static IEnumerable<HealthValue> All(IEnumerable<string> kinds, IEnumerable<string> metrics)
    {
        foreach (var form in Forms)
        {
            var names = !form.TakesName ? [form.Name] : form.Subject == HealthSubject.Evaluation ? metrics : kinds;
            foreach (var name in names)
            {
                foreach (var (_, window) in Windows)
                {
                    yield return new HealthValue(form.Subject, form.Measure, window, name, form.Quantile);
                }
            }
        }
    }

    private static IEnumerable<Form> CallForms(string prefix, HealthSubject subject) =>
    [
        new($"{prefix}.calls", subject, HealthMeasure.Count),
        new($"{prefix}.errors", subject, HealthMeasure.Errors),
        new($"{prefix}.errors.ratio", subject, HealthMeasure.ErrorRatio),
        .. Quantiles.Select(quantile => new Form($"{prefix}.latency.p{(quantile * 100).ToString("0", CultureInfo.InvariantCulture)}", subject, HealthMeasure.Latency, quantile)),
        new($"{prefix}.errors.*.ratio", subject, HealthMeasure.ErrorRatio),
        new($"{prefix}.errors.*", subject, HealthMeasure.Errors),
    ];

    private static bool TryParse(string name, HealthWindow window, out HealthValue value)
    {
        foreach (var form in Forms)
        {
            if (form.Matches(name) is { } inner && (form.Subject != HealthSubject.Failure || (!Subjects.Contains(inner) && !inner.Contains('.', StringComparison.Ordinal))))
            {
                value = new HealthValue(form.Subject, form.Measure, window, inner, form.Quantile);
                return true;
            }
        }

        value = default;
        return false;
    }

    private static string TextOf(HealthWindow window) => Array.Find(Windows, row => row.Window == window).Text;

    private static string Nearest(string name)
    {
        var candidates = Forms.Where(form => form.Text[0] != '*').SelectMany(form => Windows.Select(window => $"{form.Text}_{window.Text}"))
            .Concat(Windows.SelectMany(window => new[] { $"hallucination.count_{window.Text}", $"hallucination.ratio_{window.Text}" }));
        return candidates.MinBy(candidate => Distance(name.Length > 64 ? name[..64] : name, candidate))!.Replace("*", "<name>", StringComparison.Ordinal);
    }

    /// <summary>How many letters must be put in, taken out or exchanged.</summary>
    private static int Distance(string one, string other)
    {
        var costs = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = costs[0];
            costs[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var exchanged = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
                diagonal = costs[j];
                costs[j] = Math.Min(exchanged, Math.Min(costs[j], costs[j - 1]) + 1);
            }
        }

        return costs[^1];
    }

    /// <param name="Name">What stands for the star where the form has none: the direction of tokens.</param>
    private sealed record Form(string Text, HealthSubject Subject, HealthMeasure Measure, double Quantile = 0, string Name = "")
    {
        public bool TakesName => Text.Contains('*', StringComparison.Ordinal);

        /// <summary>What the star stands for, or the form's own name; null where it is another form.</summary>
        public string? Matches(string name)
        {
            var star = Text.IndexOf('*', StringComparison.Ordinal);
            if (star < 0)
            {
                return name == Text ? Name : null;
            }

            var tail = Text.Length - star - 1;
            return name.Length > star + tail && name.StartsWith(Text[..star], StringComparison.Ordinal) && name.EndsWith(Text[(star + 1)..], StringComparison.Ordinal)
                ? name[star..^tail]
                : null;
        }
    }
}
