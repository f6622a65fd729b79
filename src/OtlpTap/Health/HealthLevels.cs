namespace OtlpTap.Health;

/// <summary>For whom what happens to one also counts.</summary>
internal static class HealthLevels
{
    /// <summary>
    /// A scope and the levels above it, the narrowest first: a tool of an agent, of its service, of all services; the agent,
    /// the service, and all there are. The same for a model.
    /// </summary>
    public static IReadOnlyList<HealthScope> Of(in HealthScope scope)
    {
        var levels = new List<HealthScope>(6);
        if (scope.Tool.Length + scope.Model.Length > 0)
        {
            Add(levels, scope);
            Add(levels, scope with { Agent = "" });
            Add(levels, scope with { Service = "", Agent = "" });
        }

        Add(levels, HealthScope.OfAgent(scope.Service, scope.Agent));
        Add(levels, HealthScope.OfService(scope.Service));
        Add(levels, HealthScope.OfService(""));
        return levels;
    }

    private static void Add(List<HealthScope> levels, in HealthScope level)
    {
        if (!levels.Contains(level))
        {
            levels.Add(level);
        }
    }
}
