namespace OtlpTap.Client;

/// <summary>What an agent is told to do for as long as a policy's condition holds. Immutable.</summary>
public sealed class Advice
{
    /// <summary>The same for the same policy and scope.</summary>
    public required string Id { get; init; }

    /// <summary>The operator's name of the policy.</summary>
    public required string Policy { get; init; }

    /// <summary>What to do: <c>reroute</c>, <c>ask_user</c>, <c>skip_optional_steps</c>, <c>add_disclaimer</c>, <c>human_review</c>, or the operator's own word.</summary>
    public required string Action { get; init; }

    /// <summary>Empty: for all services.</summary>
    public string Service { get; init; } = "";

    /// <summary>Empty: for all agents.</summary>
    public string Agent { get; init; } = "";

    /// <summary>The tool that it is about; empty: for all.</summary>
    public string Tool { get; init; } = "";

    /// <summary>The model that it is about; empty: for all.</summary>
    public string Model { get; init; } = "";

    /// <summary>As configured, for example <c>fallback_tool</c>.</summary>
    public required IReadOnlyDictionary<string, string> Parameters { get; init; }

    /// <summary>When it was raised, by the tap's clock.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>One sentence, for people and for models.</summary>
    public required string Reason { get; init; }

    /// <summary>The values behind it by their names, as of when it was told: <c>tool.errors.ratio_1m</c>.</summary>
    public required IReadOnlyDictionary<string, double> Values { get; init; }

    /// <summary>A parameter; null where it has none of this name.</summary>
    public string? this[string parameter] => Parameters.GetValueOrDefault(parameter);

    /// <summary><c>reroute (tool-failing:shop/planner/search)</c></summary>
    public override string ToString() => $"{Action} ({Id})";
}
