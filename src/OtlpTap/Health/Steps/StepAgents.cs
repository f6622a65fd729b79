using OtlpTap.Otlp;

namespace OtlpTap.Health.Steps;

/// <summary>
/// Whose a step is that no ancestor in its request tells: the agent of its trace, as far as the trace has told, or the only
/// one of its service. What was told or asked last is mostly told and asked again, by the next span of the same trace. For
/// one thread, which alone tells <paramref name="owners"/>.
/// </summary>
internal sealed class StepAgents(TraceOwners owners)
{
    private readonly SoleAgents _soleAgents = new();
    private (TraceId Trace, TraceOwner Owner, bool IsWorkflow) _told;
    private (TraceId Trace, string Service, string Agent) _asked;

    /// <summary>They will be told of, or asked for, in a moment.</summary>
    public void Prepare(ReadOnlySpan<SpanFact> facts)
    {
        var last = default(TraceId);
        foreach (ref readonly var fact in facts)
        {
            if (fact.TraceId != last)
            {
                last = fact.TraceId;
                owners.Prepare(last);
            }
        }
    }

    /// <summary>A span that names its agent.</summary>
    public void Tell(in TraceId trace, string service, string agent, bool isWorkflow)
    {
        if (trace == _told.Trace && isWorkflow == _told.IsWorkflow && (object)service == _told.Owner.Service && (object)agent == _told.Owner.Agent)
        {
            return;
        }

        _told = (trace, new TraceOwner(service, agent), isWorkflow);
        _asked = default;
        owners.Tell(trace, _told.Owner);
        _soleAgents.Tell(service, agent, isWorkflow);
    }

    /// <summary>Empty: nobody has told.</summary>
    public string Of(in TraceId trace, string service)
    {
        if (trace != _asked.Trace || (object)service != _asked.Service)
        {
            _asked = (trace, service, Find(trace, service));
        }

        return _asked.Agent;
    }

    private string Find(in TraceId trace, string service)
    {
        var isKnown = owners.TryFind(trace, out var owner);
        if (owner.Agent.Length > 0 && owner.Service == service)
        {
            return owner.Agent;
        }

        var sole = _soleAgents.Of(service);
        if (!isKnown)
        {
            // It may have made room for this trace.
            _told = default;
            owners.Tell(trace, new TraceOwner(service, sole));
        }

        return sole;
    }
}
