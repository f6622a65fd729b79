using OtlpTap.Evaluations;
using OtlpTap.Health;
using OtlpTap.Rules;
using OtlpTap.Rules.Packs;
using OtlpTap.Verdicts;

namespace OtlpTap.Configuration;

/// <summary>
/// Which failures and scores can come, as far as the configuration tells. A condition that names another one may wait for ever;
/// but for what is never counted that is no error: another tap's tags, judges and evaluators bring names of their own.
/// </summary>
/// <param name="tap">Read but for its advice.</param>
internal sealed class ComingNames(TapProcessorOptions tap)
{
    private static readonly string[] Kinds =
    [
        FailureKind.ToolError, FailureKind.PlanningError, FailureKind.Hallucination, FailureKind.LlmError, FailureKind.SchemaError, FailureKind.Truncated,
        FailureKind.ContentFilter, FailureKind.Refusal, FailureKind.EmptyOutput, FailureKind.IncompleteTrace, FailureKind.FailedEvaluation,
        FailureKind.NegativeFeedback, FailureKind.ImplicitNegativeFeedback,
    ];

    // Of the evaluators that are used most, for what somebody may have meant.
    private static readonly string[] CommonMetrics =
    [
        "answer_correctness", "answer_relevance", "answer_relevancy", "bias", "coherence", "completeness", "conciseness", "context_precision", "context_recall", "correctness",
        "factuality", "faithfulness", "fluency", "groundedness", "hallucination", "harmfulness", "helpfulness", "intent_resolution", "quality", "relevance", "similarity",
        "task_adherence", "task_completion", "tool_call_accuracy", "tool_correctness", "toxicity",
    ];

    // Packs are read for it: only where a condition asks.
    private readonly Lazy<HashSet<string>> _kindsOfRules = new(() =>
        [.. RulePacks.Override(RulePacks.Load(tap.Packs, []) ?? [], tap.Rules).Select(rule => rule.Failure).Where(kind => !FailureKind.IsMark(kind))]);

    /// <summary>What speaks against a value; null: nothing.</summary>
    public (Severity Severity, string Message)? Look(in HealthValue value) => value.Subject switch
    {
        HealthSubject.Failure => LookAtFailure(value.Name),
        HealthSubject.Tool or HealthSubject.Llm or HealthSubject.Run when value.Name.Length > 0 => LookAtCalls(value),
        HealthSubject.Evaluation => LookAtMetric(value.Name),
        HealthSubject.Grounding when !tap.Detectors.IsEnabled || !tap.Detectors.Has(HealthWindows.GroundingDetector) => (Severity.Warning, "nothing is known of it while the check of answers is switched off"),
        _ => null,
    };

    private (Severity, string)? LookAtFailure(string kind) =>
        FailureKind.IsMark(kind) ? Mark(kind)
        : AllKinds().Contains(kind) ? null
        : (Severity.Warning, $"nothing in this configuration finds the failure `{kind}`{Suggest(kind, AllKinds())}");

    /// <summary>Of calls and runs the failures count that rules find on their spans, and what a tool's result told a detector.</summary>
    private (Severity, string)? LookAtCalls(in HealthValue value)
    {
        var kind = value.Name;
        HashSet<string> kinds = value.Subject == HealthSubject.Tool ? [.. _kindsOfRules.Value, FailureKind.ToolError] : _kindsOfRules.Value;
        if (FailureKind.IsMark(kind))
        {
            return Mark(kind);
        }

        return kinds.Contains(kind) ? null
            : AllKinds().Contains(kind) ? (Severity.Warning, $"no rule finds `{kind}` on a span, where this value counts it; `{new HealthValue(HealthSubject.Failure, HealthMeasure.ErrorRatio, value.Window, kind, 0)}` has it whoever finds it")
            : (Severity.Warning, $"no rule finds the failure `{kind}`{Suggest(kind, kinds)}");
    }

    private (Severity, string)? LookAtMetric(string metric)
    {
        var judges = tap.Judges.Select(judge => judge.Name).ToList();
        if (judges.Contains(metric))
        {
            return null;
        }

        var spelling = MetricName.Normalise(metric);
        if (spelling != metric)
        {
            return (Severity.Error, $"no score has this name: metrics are known by one spelling, `{spelling}`");
        }

        if (!tap.Evaluations.IsEnabled)
        {
            return (Severity.Warning, "nothing is known of it with `evaluations.enabled: false`, and no judge has this name");
        }

        if (tap.Evaluations.Metrics.ContainsKey(metric) || MetricNature.Of(metric) != MetricNature.Unknown)
        {
            return null;
        }

        // A metric of the evaluator's own is nothing to be told of, unless it looks like another.
        var nearest = NearestName.Find(metric, [.. judges, .. tap.Evaluations.Metrics.Keys, .. CommonMetrics]);
        return nearest is null ? null : (Severity.Warning, $"no evaluation of the name `{metric}` is known; did you mean `{nearest}`?");
    }

    private static (Severity, string) Mark(string kind) => (Severity.Error, $"`{kind}` marks a run and is no failure: it is never counted");

    private HashSet<string> AllKinds() =>
        [.. Kinds, .. _kindsOfRules.Value, .. tap.Judges.Select(judge => judge.Failure), .. tap.Evaluations.Metrics.Values.Select(metric => metric.Failure).OfType<string>()];

    private static string Suggest(string kind, IEnumerable<string> kinds) =>
        NearestName.Find(kind, kinds) is { } nearest ? $"; did you mean `{nearest}`?" : $"; there are {string.Join(", ", kinds.Order(StringComparer.Ordinal).Select(known => $"`{known}`"))}";
}
