using OtlpTap.Runs.Content;

namespace OtlpTap.Runs.Calls;

/// <summary>By what a tool's span is known to have carried out a call.</summary>
internal enum Exactness
{
    NameAndArguments,
    Name,
    Arguments,
}

/// <summary>Calls without a tool's span, found by what a span knows of its call; the first asked is the first carried out.</summary>
internal sealed class OpenCalls
{
    private readonly CallQueues<(Exactness, string?, string?), CallDraft> _calls = new();

    public OpenCalls(IEnumerable<CallDraft> calls)
    {
        foreach (var call in calls)
        {
            var arguments = JsonForm.Canonical(call.Arguments);
            _calls.Add((Exactness.NameAndArguments, call.Name, arguments), call);
            _calls.Add((Exactness.Name, call.Name, null), call);
            _calls.Add((Exactness.Arguments, null, arguments), call);
        }
    }

    public bool TryTake(RunStep tool, Exactness exactness)
    {
        if (exactness == Exactness.Arguments && tool.Tool is not null)
        {
            return false;
        }

        var key = exactness switch
        {
            Exactness.NameAndArguments => (exactness, tool.Tool, JsonForm.Canonical(tool.Arguments)),
            Exactness.Name => (exactness, tool.Tool, (string?)null),
            _ => (exactness, null, JsonForm.Canonical(tool.Arguments)),
        };
        // An id of its own that is another's tells that this is not its call.
        var call = _calls.Take(key, call => call.Tool is null && (tool.CallId is null || call.Id is null));
        call?.Take(tool);
        return call is not null;
    }
}
