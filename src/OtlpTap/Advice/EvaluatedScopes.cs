using OtlpTap.Advice.Conditions;
using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary>
/// Which scopes policies are evaluated at: of the same thing with and without the agent the one with it, since the other
/// would say the same again.
/// </summary>
internal sealed class EvaluatedScopes
{
    private readonly HashSet<HealthScope> _withAgent = [];
    private readonly List<(HealthScope Scope, Level Level)> _evaluated = [];
    private IReadOnlyList<HealthScope>? _scopes;

    /// <summary>The list is valid until the next call.</summary>
    public IReadOnlyList<(HealthScope Scope, Level Level)> Of(IReadOnlyList<HealthScope> scopes)
    {
        if (ReferenceEquals(scopes, _scopes))
        {
            return _evaluated;
        }

        _scopes = scopes;
        _withAgent.Clear();
        _evaluated.Clear();
        foreach (var scope in scopes)
        {
            if (scope.Agent.Length > 0)
            {
                _withAgent.Add(scope with { Agent = "" });
            }
        }

        foreach (var scope in scopes)
        {
            if (scope.Agent.Length > 0 || !_withAgent.Contains(scope))
            {
                _evaluated.Add((scope, Levels.Of(scope)));
            }
        }

        return _evaluated;
    }
}
