using System.Collections.Immutable;
using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary><c>fallbacks</c>: what is used in place of a tool or a model that is advised against, by their names.</summary>
internal sealed record FallbackTargets
{
    /// <summary>The parameter that names the tool to use instead.</summary>
    public const string ToolParameter = "fallback_tool";

    /// <summary>The parameter that names the model to use instead.</summary>
    public const string ModelParameter = "fallback_model";

    /// <summary>The parameters that the tap knows itself.</summary>
    public static readonly ImmutableArray<string> Parameters = [ToolParameter, ModelParameter];

    public static readonly FallbackTargets None = new();

    /// <summary><c>tools</c>. Default none.</summary>
    public ImmutableSortedDictionary<string, string> Tools { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary><c>models</c>. Default none.</summary>
    public ImmutableSortedDictionary<string, string> Models { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The parameter for a scope's tool or model, and its value; null where there is none for it.</summary>
    public (string Parameter, string Name)? Of(in HealthScope scope) =>
        Tools.TryGetValue(scope.Tool, out var tool) ? (ToolParameter, tool)
        : Models.TryGetValue(scope.Model, out var model) ? (ModelParameter, model)
        : null;

    public bool Equals(FallbackTargets? other) => other is not null && Tools.SequenceEqual(other.Tools) && Models.SequenceEqual(other.Models);

    public override int GetHashCode() => HashCode.Combine(Tools.Count, Models.Count);
}
