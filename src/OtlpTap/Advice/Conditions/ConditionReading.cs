using OtlpTap.Health;

namespace OtlpTap.Advice.Conditions;

/// <summary>The values of one condition at one scope, each read once and only when it is asked for. One for all conditions, one after the other; one thread.</summary>
internal sealed class ConditionReading(IHealth health)
{
    private readonly double[] _numbers = new double[PolicyCondition.ValuesMax];
    private PolicyCondition? _condition;
    private HealthScope _scope;
    private HealthScope _above;
    private ulong _read;

    public bool Holds(PolicyCondition condition, in HealthScope scope)
    {
        Turn(condition, scope);
        return condition.Holds(this);
    }

    /// <summary>Not a number where nothing is known.</summary>
    public double Read(int index)
    {
        if ((_read & 1UL << index) == 0)
        {
            var value = _condition!.Values[index];
            var isKnown = health.TryRead(Levels.Of(value.Subject) == _condition.Level ? _scope : _above, value, out var number);
            _numbers[index] = isKnown ? number : double.NaN;
            _read |= 1UL << index;
        }

        return _numbers[index];
    }

    /// <summary>All values that are known, by their names.</summary>
    public Dictionary<string, double> ReadAll(PolicyCondition condition, in HealthScope scope)
    {
        Turn(condition, scope);
        var values = new Dictionary<string, double>(condition.Values.Length, StringComparer.Ordinal);
        for (var i = 0; i < condition.Values.Length; i++)
        {
            var number = Read(i);
            if (double.IsFinite(number))
            {
                values.Add(condition.Names[i], number);
            }
        }

        return values;
    }

    private void Turn(PolicyCondition condition, in HealthScope scope) => (_condition, _scope, _above, _read) = (condition, scope, Levels.Above(scope), 0);
}
