using OtlpTap.Health;

namespace OtlpTap.Tests.Web;

/// <summary>An agent whose tool was called ten times in the last minute.</summary>
internal sealed class ScriptedHealth : IHealthReport
{
    private static readonly HealthValue Calls = new(HealthSubject.Tool, HealthMeasure.Count, HealthWindow.Minute, "", 0);

    public IReadOnlyList<HealthScope> Scopes() => [HealthScope.OfService("shop"), HealthScope.OfAgent("shop", "planner"), new HealthScope("shop", "planner", "search", "")];

    public bool TryRead(in HealthScope scope, in HealthValue value, out double number)
    {
        number = 10;
        return value == Calls;
    }

    public IReadOnlyList<(HealthValue Value, double Number)> ReadAll(in HealthScope scope) => [(Calls, 10)];
}
