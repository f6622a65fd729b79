using System.Collections.Immutable;
using OtlpTap.Advice.Conditions;

namespace OtlpTap.Advice;

/// <summary>The policies that are in force without a word of configuration. Their numbers leave a single failure alone: advice that is wrong is worse than none.</summary>
internal static class DefaultPolicies
{
    public static readonly ImmutableArray<Policy> All =
    [
        // Half of the calls: a tool that fails for some arguments is used on.
        Of("tool-failing", "tool.errors.ratio_1m >= 50% and tool.calls_1m >= 5", Policy.Reroute),
        Of("model-failing", "llm.errors.ratio_1m >= 50% and llm.calls_1m >= 5", Policy.Reroute),

        // Against the model's own hour, since what is slow for one is normal for another. Medians: one long answer is no spike.
        Of("model-slow", "llm.calls_1m >= 10 and llm.latency.p50_1m > 2s and llm.latency.p50_1m > 3 * llm.latency.p50_1h", "skip_optional_steps"),
        Of("hallucinating", "hallucination.ratio_1h > 10% and hallucination.count_1h >= 3", "add_disclaimer", TimeSpan.FromMinutes(5)),
        Of("hallucinating-often", "hallucination.ratio_1h > 30% and hallucination.count_1h >= 5", "human_review", TimeSpan.FromMinutes(5)),
        Of("users-dissatisfied", "feedback.negative.ratio_1h > 20% and feedback.negative_1h >= 5", "ask_user", TimeSpan.FromMinutes(5)),
        Of("users-very-dissatisfied", "feedback.negative.ratio_1h > 50% and feedback.negative_1h >= 10", "human_review", TimeSpan.FromMinutes(5)),
    ];

    private static Policy Of(string name, string condition, string advice, TimeSpan? coolDown = null)
    {
        var timing = new HysteresisOptions();
        return new Policy
        {
            Name = name,
            Condition = PolicyCondition.Parse(condition, []) ?? throw new InvalidOperationException($"the condition of {name} is none"),
            Advice = advice,
            Timing = timing with { CoolDown = coolDown ?? timing.CoolDown },
        };
    }
}
