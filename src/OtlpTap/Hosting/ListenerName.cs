namespace OtlpTap.Hosting;

/// <summary>What a listener serves.</summary>
internal enum ListenerRole
{
    /// <summary>OTLP/gRPC of a receiver.</summary>
    Grpc,

    /// <summary>OTLP/HTTP of a receiver; its OTLP/gRPC too where both have the same endpoint.</summary>
    Http,

    /// <summary>The pages of <c>service.admin</c>.</summary>
    Admin,

    /// <summary>The answer of the <c>health_check</c> extension.</summary>
    Health,

    /// <summary>Metrics alone, where <c>service.telemetry</c> asks for a port of their own.</summary>
    Metrics,
}

/// <summary>Which listener, across reloads.</summary>
/// <param name="Receiver">The receiver's id; empty for the tap's own ports.</param>
internal readonly record struct ListenerName(ListenerRole Role, string Receiver)
{
    public static readonly ListenerName Admin = new(ListenerRole.Admin, "");
    public static readonly ListenerName Health = new(ListenerRole.Health, "");
    public static readonly ListenerName Metrics = new(ListenerRole.Metrics, "");

    /// <summary>Agents are strangers; the tap's own ports must be reachable while agents use up all connections there are.</summary>
    public bool IsForAgents => Role is ListenerRole.Grpc or ListenerRole.Http;

    public static ListenerName Grpc(string receiver) => new(ListenerRole.Grpc, receiver);

    public static ListenerName Http(string receiver) => new(ListenerRole.Http, receiver);

    /// <summary>As labels and messages show it: <c>otlp/agents grpc</c>, <c>admin</c>.</summary>
    public override string ToString()
    {
        var role = Role.ToString().ToLowerInvariant();
        return Receiver.Length == 0 ? role : $"{Receiver} {role}";
    }
}
