using OtlpTap.Health;

namespace OtlpTap.Advice.Conditions;

/// <summary>The values at one scope after the other, each read once and only when a condition asks for it. One thread.</summary>
internal sealed class ConditionReading(IHealth health)
{
    // Not a number where nothing is known.
    private readonly Dictionary<HealthValue, double> _numbers = [];
    private HealthScope _scope;
    private Level _level;

    /// <summary>Turns to a scope; nothing of what was read before holds any more.</summary>
    public ConditionReading At(in HealthScope scope)
    {
        (_scope, _level) = (scope, Levels.Of(scope));
        _numbers.Clear();
        return this;
    }

    /// <summary>Not a number where nothing is known. A value of another level than the scope's is that of the agent above.</summary>
    public double Read(in HealthValue value)
    {
        if (!_numbers.TryGetValue(value, out var number))
        {
            number = health.TryRead(Levels.Of(value.Subject) == _level ? _scope : Levels.Above(_scope), value, out var known) ? known : double.NaN;
            _numbers.Add(value, number);
        }

        return number;
    }

    /// <summary>All values of a condition that are known, by their names.</summary>
    public Dictionary<string, double> ReadAll(PolicyCondition condition)
    {
        var values = new Dictionary<string, double>(condition.Values.Length, StringComparer.Ordinal);
        for (var i = 0; i < condition.Values.Length; i++)
        {
            var number = Read(condition.Values[i]);
            if (double.IsFinite(number))
            {
                values.Add(condition.Names[i], number);
            }
        }

        return values;
    }
}
