using System.Collections.Immutable;
using OtlpTap.Advice.Conditions;
using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary>When which advice is given, and to whom.</summary>
internal sealed record Policy
{
    /// <summary>The advice to use another tool or model in place of the one that it is about.</summary>
    public const string Reroute = "reroute";

    /// <summary>What clients and pages know; others are the operator's own.</summary>
    public static readonly ImmutableArray<string> Words = [Reroute, "ask_user", "skip_optional_steps", "add_disclaimer", "human_review"];

    /// <summary>Unique. Becomes a label and the beginning of ids.</summary>
    public required string Name { get; init; }

    /// <summary><c>when</c>.</summary>
    public required PolicyCondition Condition { get; init; }

    /// <summary><c>advice</c>: <c>reroute</c>, <c>ask_user</c>, <c>skip_optional_steps</c>, <c>add_disclaimer</c>, <c>human_review</c>, or the operator's own word.</summary>
    public required string Advice { get; init; }

    /// <summary><c>scope</c>. Default all.</summary>
    public ScopeFilter Scope { get; init; } = ScopeFilter.All;

    /// <summary><c>parameters</c>, handed on as they are. Default none.</summary>
    public ImmutableSortedDictionary<string, string> Parameters { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What <see cref="Reroute"/> leads to where <see cref="Parameters"/> do not say it. Default none.</summary>
    public FallbackTargets Fallbacks { get; init; } = FallbackTargets.None;

    /// <summary><c>reason</c>: a sentence in place of the one that the tap makes of the values. Default empty.</summary>
    public string Reason { get; init; } = "";

    public HysteresisOptions Timing { get; init; } = new();

    /// <summary>The parameters of advice at a scope: the policy's own, and the target of a reroute.</summary>
    public ImmutableSortedDictionary<string, string> ParametersAt(in HealthScope scope) =>
        Advice == Reroute && Fallbacks.Of(scope) is var (parameter, name) && !Parameters.ContainsKey(parameter) ? Parameters.Add(parameter, name) : Parameters;

    public bool Equals(Policy? other) =>
        other is not null && (Name, Advice, Reason) == (other.Name, other.Advice, other.Reason) && Condition.Equals(other.Condition)
        && Scope == other.Scope && Timing == other.Timing && Fallbacks == other.Fallbacks && Parameters.SequenceEqual(other.Parameters);

    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);
}
