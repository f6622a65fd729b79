namespace OtlpTap.Health.Steps;

/// <summary>
/// Services that have only ever told of one agent, as most do: what their spans do before the agent's own span has come is
/// that agent's too. Without it, what tools and models do in a run longer than the five seconds of an SDK's batch would be
/// nobody's, since children end, and come, before their parents. For one thread.
/// </summary>
internal sealed class SoleAgents
{
    /// <summary>Beyond as many services nothing is concluded for further ones.</summary>
    public const int ServicesMax = 1024;

    private readonly Dictionary<string, Told> _services = new(StringComparer.Ordinal);

    /// <param name="isWorkflow">Only a workflow's name, which gives way to that of an agent.</param>
    public void Tell(string service, string agent, bool isWorkflow)
    {
        if (_services.TryGetValue(service, out var known))
        {
            if (known.IsWorkflow && !isWorkflow)
            {
                _services[service] = new Told(agent, false);
            }
            else if (known.IsWorkflow == isWorkflow && known.Agent.Length > 0 && known.Agent != agent)
            {
                _services[service] = known with { Agent = "" };
            }
        }
        else if (_services.Count < ServicesMax)
        {
            _services.Add(service, new Told(agent, isWorkflow));
        }
    }

    /// <summary>Empty: the service has told of none, or of several.</summary>
    public string Of(string service) => _services.TryGetValue(service, out var told) ? told.Agent : "";

    private readonly record struct Told(string Agent, bool IsWorkflow);
}
