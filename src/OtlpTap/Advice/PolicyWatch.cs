using OtlpTap.Advice.Conditions;
using OtlpTap.Health;

namespace OtlpTap.Advice;

/// <summary>One policy over all scopes it is evaluated at. Remembers those alone where its condition holds or held a while ago.</summary>
internal sealed class PolicyWatch(Policy policy)
{
    private readonly Dictionary<HealthScope, State> _states = [];

    // Of a service, where it is true for one of its agents.
    private readonly HashSet<HealthScope> _covered = [];

    public Policy Policy => policy;

    public int ActiveCount { get; private set; }

    /// <summary>All advice of this policy.</summary>
    public IEnumerable<AdviceItem> Items => _states.Values.Select(state => state.Item).OfType<AdviceItem>();

    /// <summary>Evaluates the condition at a scope; at those of agents first.</summary>
    /// <param name="scopes">All of them.</param>
    /// <param name="reading">At that scope.</param>
    public void Look(in HealthScope scope, EvaluatedScopes scopes, ConditionReading reading, Round round)
    {
        if (!policy.Scope.Admits(scope))
        {
            return;
        }

        var holds = !_covered.Contains(scope) && policy.Condition.Holds(reading);
        if (!holds && _states.Count == 0)
        {
            return;
        }

        if (!_states.TryGetValue(scope, out var state))
        {
            if (!holds || HoldsForAnAgentByNow(scope, scopes, reading))
            {
                return;
            }

            _states.Add(scope, state = new State());
        }

        state.Round = round.Number;
        Step(scope, state, holds, reading, round);
        if (scope.Agent.Length > 0 && (holds || state.Item is not null))
        {
            _covered.Add(scope with { Agent = "" });
        }
    }

    /// <summary>After all scopes: where nothing is known any more, the condition does not hold. Forgets what there is nothing to remember of.</summary>
    public void EndRound(Round round)
    {
        _covered.Clear();
        foreach (var (scope, state) in _states)
        {
            if (state.Round != round.Number)
            {
                Step(scope, state, holds: false, reading: null, round);
            }

            if (state.Hysteresis.IsQuiet)
            {
                // A dictionary lets its entries go while it is walked.
                _states.Remove(scope);
            }
        }
    }

    /// <summary>Withdraws all advice, whatever the condition says.</summary>
    public void Withdraw(Round round, string why)
    {
        foreach (var item in Items)
        {
            round.Withdrawn(item, why);
        }

        _states.Clear();
        ActiveCount = 0;
    }

    // Values change while one scope after the other is looked at: what an agent did meanwhile is no matter of all its service.
    private bool HoldsForAnAgentByNow(in HealthScope scope, EvaluatedScopes scopes, ConditionReading reading)
    {
        if (scope.Agent.Length > 0)
        {
            return false;
        }

        var holds = scopes.AtAgentsOf(scope).Any(agent => policy.Scope.Admits(agent) && policy.Condition.Holds(reading.At(agent)));
        reading.At(scope);
        return holds;
    }

    private void Step(in HealthScope scope, State state, bool holds, ConditionReading? reading, Round round)
    {
        switch (state.Hysteresis.Look(policy.Timing, holds, round.Now, round.MayRaise))
        {
            case HysteresisStep.Raise:
                var values = reading!.ReadAll(policy.Condition);
                state.Item = new AdviceItem(AdviceId.Of(policy, scope), policy.Name, policy.Advice, scope, policy.ParametersAt(scope), round.At, values, AdviceReason.Of(policy, scope, values));
                ActiveCount++;
                round.Raised(state.Item);
                break;
            case HysteresisStep.Withdraw:
                round.Withdrawn(state.Item!, "the condition has not held for the cool-down");
                state.Item = null;
                ActiveCount--;
                break;
            case HysteresisStep.Refuse:
                round.Refused();
                break;
        }
    }

    private sealed class State
    {
        public Hysteresis Hysteresis { get; } = new();

        /// <summary>Null where no advice is given.</summary>
        public AdviceItem? Item { get; set; }

        /// <summary>When the scope was there last.</summary>
        public long Round { get; set; }
    }
}
