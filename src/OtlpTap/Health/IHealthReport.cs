namespace OtlpTap.Health;

/// <summary>Health for whoever wants to see all of it, and does not know yet what there is.</summary>
internal interface IHealthReport : IHealth
{
    /// <summary>All values of a scope that there are, in the order of their names' table; of kinds of failure and metrics those that came in the window.</summary>
    IReadOnlyList<(HealthValue Value, double Number)> ReadAll(in HealthScope scope);
}
