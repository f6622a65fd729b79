using OtlpTap.Health;

namespace OtlpTap.Tests.Advice;

/// <summary>Values as a test sets them; all others are not known.</summary>
internal sealed class ScriptedHealth : IHealthReport
{
    private readonly Dictionary<HealthScope, Dictionary<HealthValue, double>> _values = [];

    public int ReadCount { get; private set; }

    /// <summary>Told before each value is read.</summary>
    public Action<HealthScope>? Reading { get; set; }

    public Exception? Failure { get; set; }

    public IReadOnlyList<HealthScope> Scopes() => [.. _values.Keys];

    public bool TryRead(in HealthScope scope, in HealthValue value, out double number)
    {
        if (Failure is not null)
        {
            throw Failure;
        }

        ReadCount++;
        Reading?.Invoke(scope);
        number = 0;
        return _values.TryGetValue(scope, out var values) && values.TryGetValue(value, out number);
    }

    public IReadOnlyList<(HealthValue Value, double Number)> ReadAll(in HealthScope scope) =>
        _values.TryGetValue(scope, out var values) ? [.. values.Select(value => (value.Key, value.Value))] : [];

    public void Set(in HealthScope scope, params ReadOnlySpan<(string Name, double Number)> values)
    {
        Add(scope);
        foreach (var (name, number) in values)
        {
            Assert.True(HealthValue.TryParse(name, out var value, out var error), error);
            _values[scope][value] = number;
        }
    }

    /// <summary>A scope of which nothing is known but that there is one.</summary>
    public void Add(in HealthScope scope)
    {
        if (!_values.ContainsKey(scope))
        {
            _values.Add(scope, []);
        }
    }

    public void Forget(in HealthScope scope) => _values.Remove(scope);
}
