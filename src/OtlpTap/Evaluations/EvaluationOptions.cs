using System.Collections.Immutable;

namespace OtlpTap.Evaluations;

/// <summary>How evaluation results are read where the operator knows better than their names.</summary>
internal sealed record EvaluationOptions
{
    /// <summary>Whether results are looked for at all. Default true.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>By the metric's name in one spelling, see <see cref="MetricName.Normalise"/>.</summary>
    public ImmutableDictionary<string, MetricOverride> Metrics { get; init; } = ImmutableDictionary<string, MetricOverride>.Empty;
}

/// <summary>What the operator says of one metric; what is not said is read as without.</summary>
/// <param name="Good">Which end is good: then the score alone decides, where there is one.</param>
/// <param name="Threshold">From where on it is good: the least good value, on the metric's own scale.</param>
/// <param name="Failure">The kind of a bad result.</param>
internal sealed record MetricOverride(GoodEnd Good, double? Threshold = null, string? Failure = null);
