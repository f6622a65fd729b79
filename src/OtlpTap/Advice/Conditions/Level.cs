using OtlpTap.Health;

namespace OtlpTap.Advice.Conditions;

/// <summary>What one piece of advice is about. The greater one wins where a condition speaks of several.</summary>
internal enum Level : byte
{
    /// <summary>An agent; a service where it names none.</summary>
    Agent,
    Model,
    Tool,
}

internal static class Levels
{
    public static Level Of(HealthSubject subject) => subject switch
    {
        HealthSubject.Tool => Level.Tool,
        HealthSubject.Llm or HealthSubject.Tokens => Level.Model,
        _ => Level.Agent,
    };

    public static Level Of(in HealthScope scope) => scope.Tool.Length > 0 ? Level.Tool : scope.Model.Length > 0 ? Level.Model : Level.Agent;

    /// <summary>The agent, or service, whose tool or model it is.</summary>
    public static HealthScope Above(in HealthScope scope) => HealthScope.OfAgent(scope.Service, scope.Agent);
}
