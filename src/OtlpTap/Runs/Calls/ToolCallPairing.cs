using OtlpTap.Runs.Content;

namespace OtlpTap.Runs.Calls;

/// <summary>
/// Brings together what models asked of tools, what tools' spans did, and what later inputs tell of the results. By call
/// id where there are ids; else by name and arguments; else by order. Histories repeat themselves in every input of a
/// model, so a call counts once.
/// </summary>
internal sealed class ToolCallPairing
{
    private readonly RunLimits _limits;
    private readonly List<CallDraft> _calls = [];
    private readonly Dictionary<string, CallsOfId> _byId = new(StringComparer.Ordinal);
    private readonly CallQueues<(string?, string?), CallDraft> _withoutId = new();

    private ToolCallPairing(RunLimits limits)
    {
        _limits = limits;
    }

    public static IReadOnlyList<ToolCall> Pair(IReadOnlyList<RunStep> steps, RunLimits limits)
    {
        var pairing = new ToolCallPairing(limits);
        var models = steps.Where(step => step.Kind == StepKind.Llm).ToList();
        var speakers = models.Exists(step => step.Output.Count > 0 || step.Input.Count > 0) ? models : steps.Where(step => step.Kind is StepKind.Agent or StepKind.Workflow).ToList();
        pairing.CollectAsked(speakers);
        if (pairing._calls.Count == 0)
        {
            // Some dialects drop the calls from the models' answers, and keep them in the state of the graph around.
            pairing.CollectAsked(steps.Where(step => step.Kind is StepKind.Agent or StepKind.Workflow or StepKind.Step).ToList());
        }

        pairing.CollectTools(steps);
        pairing.NameModels(models);
        pairing.CollectResults(speakers);
        pairing.CollectResults(steps.Where(step => step.Kind is StepKind.Agent or StepKind.Workflow or StepKind.Step));
        return pairing._calls.ConvertAll(call => call.Finish());
    }

    private void CollectAsked(List<RunStep> steps)
    {
        var asked = new Dictionary<(string?, string?), int>();
        foreach (var step in steps)
        {
            // What the history tells of calls that no answer told.
            var seen = new Dictionary<(string?, string?), int>();
            foreach (var part in Parts(step.Input, PartKind.ToolCall))
            {
                AddTold(part, asked, seen);
            }

            foreach (var part in Parts(step.Output, PartKind.ToolCall))
            {
                var isModel = step.Kind == StepKind.Llm;
                if (part.CallId is { } id)
                {
                    if (!IsKnown(id, part, step, isTold: !isModel))
                    {
                        Count(part, asked);
                        New(part, step);
                    }
                }
                else if (isModel)
                {
                    Count(part, asked);
                    New(part, step);
                }
                else
                {
                    AddTold(part, asked, seen);
                }
            }
        }
    }

    private static (string?, string?) Key(MessagePart part) => (part.ToolName, JsonForm.Canonical(part.Arguments));

    private static void Count(MessagePart part, Dictionary<(string?, string?), int> asked) =>
        asked[Key(part)] = asked.GetValueOrDefault(Key(part)) + 1;

    /// <summary>A call in a history: new only when the history holds more of its like than are known.</summary>
    private void AddTold(MessagePart part, Dictionary<(string?, string?), int> asked, Dictionary<(string?, string?), int> seen)
    {
        if (part.CallId is { } id)
        {
            if (IsKnown(id, part, null, isTold: true) || IsKnownWithoutId(id, part))
            {
                return;
            }

            Count(part, asked);
            New(part, null);
            return;
        }

        var key = Key(part);
        var count = seen[key] = seen.GetValueOrDefault(key) + 1;
        if (count > asked.GetValueOrDefault(key))
        {
            asked[key] = count;
            New(part, null);
        }
    }

    // Ids repeat in histories; a model that gives the same id to two calls (some count from zero in each answer) means two.
    private bool IsKnown(string id, MessagePart part, RunStep? step, bool isTold)
    {
        if (!_byId.TryGetValue(id, out var calls) || calls.Known(step, isTold) is not { } known)
        {
            return false;
        }

        known.Step ??= step;
        known.Arguments ??= part.Arguments;
        return true;
    }

    /// <summary>A streamed answer may be recorded without the ids that the history then gives.</summary>
    private bool IsKnownWithoutId(string id, MessagePart part)
    {
        if (_withoutId.Take(Key(part), static _ => true) is not { } known)
        {
            return false;
        }

        known.Id = id;
        _byId[id] = new CallsOfId(known);
        return true;
    }

    private void New(MessagePart part, RunStep? step)
    {
        if (_calls.Count >= _limits.ToolCallsMax)
        {
            return;
        }

        var call = new CallDraft { Id = part.CallId, Name = part.ToolName, Arguments = part.Arguments, Step = step };
        _calls.Add(call);
        if (call.Id is { } id)
        {
            if (_byId.TryGetValue(id, out var calls))
            {
                calls.Add(call);
            }
            else
            {
                _byId.Add(id, new CallsOfId(call));
            }

            return;
        }

        _withoutId.Add(Key(part), call);
    }

    private void CollectTools(IReadOnlyList<RunStep> steps)
    {
        var tools = steps.Where(step => step.Kind == StepKind.Tool).ToList();
        var left = new List<RunStep>();
        foreach (var tool in tools)
        {
            if (tool.CallId is { } id && _byId.TryGetValue(id, out var calls) && calls.NextWithoutTool() is { } call)
            {
                call.Take(tool);
            }
            else if (tool.CallId is null || !_byId.TryGetValue(tool.CallId, out calls) || !Covers(calls.Last.Tool, tool))
            {
                left.Add(tool);
            }
        }

        var open = new OpenCalls(_calls.Where(call => call.Tool is null));
        left.RemoveAll(tool => open.TryTake(tool, Exactness.NameAndArguments));
        left.RemoveAll(tool => open.TryTake(tool, Exactness.Name));
        left.RemoveAll(tool => open.TryTake(tool, Exactness.Arguments));
        foreach (var tool in left)
        {
            if (_calls.Count < _limits.ToolCallsMax)
            {
                var call = new CallDraft { Id = tool.CallId, Name = tool.Tool, Arguments = tool.Arguments };
                call.Take(tool);
                _calls.Add(call);
            }
        }
    }

    /// <summary>
    /// A graph's state told the call, and the model that asked recorded only that it stopped for one: the last such before
    /// the tool ran, or in order.
    /// </summary>
    private void NameModels(List<RunStep> models)
    {
        var silent = models.FindAll(model => model.FinishReason == FinishReasons.ToolCall && !Parts(model.Output, PartKind.ToolCall).Any());
        var next = 0;
        foreach (var call in _calls.Where(call => call.Step is null or { Kind: not StepKind.Llm }))
        {
            var before = call.Tool is { } tool ? silent.FindLastIndex(model => model.StartUnixNano <= tool.StartUnixNano) : next < silent.Count ? next : -1;
            if (before >= 0)
            {
                call.Step = silent[before];
                next = before + 1;
            }
        }
    }

    /// <summary>The same call seen twice: a tool's own span inside its client's (MCP, wrappers).</summary>
    private static bool Covers(RunStep? outer, RunStep inner) =>
        outer is not null && (inner.ParentId == outer.SpanId || outer.ParentId == inner.SpanId);

    private void CollectResults(IEnumerable<RunStep> steps)
    {
        foreach (var step in steps)
        {
            CollectResults(step.Input, step);
            CollectResults(step.Output, step);
        }
    }

    private void CollectResults(IReadOnlyList<Message> messages, RunStep teller)
    {
        // Results without ids answer the calls before them, in order.
        var unnamed = 0;
        foreach (var part in Parts(messages, PartKind.ToolResult))
        {
            CallDraft? call = null;
            if (part.CallId is { } id)
            {
                call = _byId.TryGetValue(id, out var calls) && calls.NextWithoutResult() is { } known && known.IsBefore(teller) ? known : null;
            }
            else
            {
                call = unnamed < _calls.Count ? _calls[unnamed] : null;
                unnamed++;
                call = call is { HasTold: false } && call.IsBefore(teller) && (part.ToolName is null || call.Name is null || part.ToolName == call.Name) ? call : null;
            }

            call?.Tell(part);
        }
    }

    private static IEnumerable<MessagePart> Parts(IReadOnlyList<Message> messages, PartKind kind)
    {
        foreach (var message in messages)
        {
            foreach (var part in message.Parts)
            {
                if (part.Kind == kind)
                {
                    yield return part;
                }
            }
        }
    }
}
