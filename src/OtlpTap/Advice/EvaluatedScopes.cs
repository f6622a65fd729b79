using OtlpTap.Advice.Conditions;
using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary>At which scopes policies are evaluated, and in which order: first those of agents, then those of services, for whom advice is given where it is given to none of their agents.</summary>
internal sealed class EvaluatedScopes
{
    private readonly List<(HealthScope Scope, Level Level)> _evaluated = [];

    /// <summary>The list is valid until the next call.</summary>
    public IReadOnlyList<(HealthScope Scope, Level Level)> Of(IReadOnlyList<HealthScope> scopes)
    {
        _evaluated.Clear();
        Add(scopes, isOfAgent: true);
        Add(scopes, isOfAgent: false);
        return _evaluated;
    }

    /// <summary>A service's tool, model or itself at each of its agents.</summary>
    public IEnumerable<HealthScope> AtAgentsOf(HealthScope service) =>
        _evaluated.Select(evaluated => evaluated.Scope).Where(scope => scope.Agent.Length > 0 && scope with { Agent = "" } == service);

    // What has no service is of all services together, whom nobody can advise.
    private void Add(IReadOnlyList<HealthScope> scopes, bool isOfAgent)
    {
        foreach (var scope in scopes)
        {
            if (scope.Service.Length > 0 && scope.Agent.Length > 0 == isOfAgent)
            {
                _evaluated.Add((scope, Levels.Of(scope)));
            }
        }
    }
}
