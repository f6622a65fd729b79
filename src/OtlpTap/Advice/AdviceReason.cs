using System.Globalization;
using OtlpTap.Advice.Conditions;
using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary>
/// Why advice is given, as a sentence for people and models:
/// <code>tool search of shop/planner: 80% of calls failed, 10 calls in the last minute; no fallback is configured for it</code>
/// </summary>
internal static class AdviceReason
{
    /// <summary>What a configured reason may have in braces.</summary>
    public static readonly string[] Placeholders = ["service", "agent", "tool", "model", "values"];

    public static string Of(Policy policy, in HealthScope scope, IReadOnlyDictionary<string, double> values)
    {
        var told = Told(policy.Condition, values);
        return policy.Reason.Length == 0
            ? $"{Subject(scope)}: {told}{WithoutTarget(policy, scope)}"
            : policy.Reason
                .Replace("{service}", scope.Service, StringComparison.Ordinal)
                .Replace("{agent}", scope.Agent, StringComparison.Ordinal)
                .Replace("{tool}", scope.Tool, StringComparison.Ordinal)
                .Replace("{model}", scope.Model, StringComparison.Ordinal)
                .Replace("{values}", told, StringComparison.Ordinal);
    }

    private static string Subject(in HealthScope scope)
    {
        var owner = scope.Agent.Length > 0 ? $"{scope.Service}/{scope.Agent}" : scope.Service;
        return scope.Tool.Length > 0 ? $"tool {scope.Tool} of {owner}" : scope.Model.Length > 0 ? $"model {scope.Model} of {owner}" : owner;
    }

    // Who is to go elsewhere and is not told where looks for it in vain.
    private static string WithoutTarget(Policy policy, in HealthScope scope) =>
        policy.Advice == Policy.Reroute && scope.Tool.Length + scope.Model.Length > 0 && policy.ParametersAt(scope).IsEmpty ? "; no fallback is configured for it" : "";

    private static string Told(PolicyCondition condition, IReadOnlyDictionary<string, double> values)
    {
        var windows =
            from index in Enumerable.Range(0, condition.Values.Length)
            where values.ContainsKey(condition.Names[index])
            group Phrase(condition.Values[index], values[condition.Names[index]]) by condition.Values[index].Window into window
            select $"{string.Join(", ", window)} in the last {Name(window.Key)}";
        return string.Join("; ", windows);
    }

    private static string Phrase(in HealthValue value, double number) => (value.Subject, value.Measure) switch
    {
        (HealthSubject.Failure, HealthMeasure.ErrorRatio) => $"{Percent(number)} of runs with {value.Name}",
        (HealthSubject.Failure, _) => $"{Plain(number)} with {value.Name}",
        (_, HealthMeasure.ErrorRatio) => $"{Percent(number)} of {Calls(value)} failed{Kind(value)}",
        (_, HealthMeasure.Errors) => $"{Plain(number)} failed{Kind(value)}",
        (_, HealthMeasure.Latency) => string.Create(CultureInfo.InvariantCulture, $"p{value.Quantile * 100:0} {number:0.###} s"),
        (HealthSubject.Feedback, HealthMeasure.NegativeRatio) => $"{Percent(number)} of feedback negative",
        (HealthSubject.Feedback, HealthMeasure.NegativeCount) => $"{Plain(number)} negative",
        (HealthSubject.Feedback, _) => $"{Plain(number)} users said or showed what they think",
        (HealthSubject.Evaluation, HealthMeasure.Mean) => $"{value.Name} {Plain(number)} on average",
        (HealthSubject.Evaluation, _) => $"{Plain(number)} scores of {value.Name}",
        (HealthSubject.Grounding, HealthMeasure.Mean) => $"grounding {Plain(number)} on average",
        (HealthSubject.Grounding, _) => $"{Plain(number)} answers checked",
        (HealthSubject.Tokens, _) => value.Name is "input" or "output" ? $"{Plain(number)} {value.Name} tokens" : $"{Plain(number)} tokens",
        _ => $"{Plain(number)} {Calls(value)}",
    };

    private static string Calls(in HealthValue value) => value.Subject == HealthSubject.Run ? "runs" : "calls";

    private static string Kind(in HealthValue value) => value.Name.Length > 0 ? $" with {value.Name}" : "";

    private static string Name(HealthWindow window) => window switch
    {
        HealthWindow.Minute => "minute",
        HealthWindow.FiveMinutes => "5 minutes",
        _ => "hour",
    };

    private static string Percent(double ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio * 100:0.#}%");

    private static string Plain(double number) => number.ToString("0.###", CultureInfo.InvariantCulture);
}
