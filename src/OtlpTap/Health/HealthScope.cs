namespace OtlpTap.Health;

/// <summary>Whose health: a service, one of its agents, a tool or a model of theirs. Empty: all there are.</summary>
internal readonly record struct HealthScope(string Service, string Agent, string Tool, string Model)
{
    public static HealthScope OfService(string service) => new(service, "", "", "");

    public static HealthScope OfAgent(string service, string agent) => new(service, agent, "", "");
}
