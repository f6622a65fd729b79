using OtlpTap.Runs.Content;

namespace OtlpTap.Runs;

/// <summary>
/// Brings together what models asked of tools, what tools' spans did, and what later inputs tell of the results. By call
/// id where there are ids; else by name and arguments; else by order. Histories repeat themselves in every input of a
/// model, so a call counts once.
/// </summary>
internal sealed class ToolCallPairing
{
    private readonly RunLimits _limits;
    private readonly List<Draft> _calls = [];
    private readonly Dictionary<string, CallsOfId> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<(string?, string?), Queue<Draft>> _withoutId = [];

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
        if (!_withoutId.TryGetValue(Key(part), out var calls) || !calls.TryDequeue(out var known))
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

        var call = new Draft { Id = part.CallId, Name = part.ToolName, Arguments = part.Arguments, Step = step };
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

        if (!_withoutId.TryGetValue(Key(part), out var like))
        {
            _withoutId.Add(Key(part), like = new Queue<Draft>());
        }

        like.Enqueue(call);
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
                var call = new Draft { Id = tool.CallId, Name = tool.Tool, Arguments = tool.Arguments };
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
            Draft? call = null;
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

    private enum Exactness
    {
        NameAndArguments,
        Name,
        Arguments,
    }

    /// <summary>Calls without a tool's span, found by what a span knows of its call; the first asked is the first carried out.</summary>
    private sealed class OpenCalls
    {
        private readonly Dictionary<(Exactness, string?, string?), Queue<Draft>> _calls = [];

        public OpenCalls(IEnumerable<Draft> calls)
        {
            foreach (var call in calls)
            {
                var arguments = JsonForm.Canonical(call.Arguments);
                Add((Exactness.NameAndArguments, call.Name, arguments), call);
                Add((Exactness.Name, call.Name, null), call);
                Add((Exactness.Arguments, null, arguments), call);
            }
        }

        public bool TryTake(RunStep tool, Exactness exactness)
        {
            var key = exactness switch
            {
                Exactness.NameAndArguments => (exactness, tool.Tool, JsonForm.Canonical(tool.Arguments)),
                Exactness.Name => (exactness, tool.Tool, (string?)null),
                _ => (exactness, null, JsonForm.Canonical(tool.Arguments)),
            };
            if ((exactness == Exactness.Arguments && tool.Tool is not null) || !_calls.TryGetValue(key, out var queue))
            {
                return false;
            }

            while (queue.TryDequeue(out var call))
            {
                // An id of its own that is another's tells that this is not its call.
                if (call.Tool is null && (tool.CallId is null || call.Id is null))
                {
                    call.Take(tool);
                    return true;
                }
            }

            return false;
        }

        private void Add((Exactness, string?, string?) key, Draft call)
        {
            if (!_calls.TryGetValue(key, out var queue))
            {
                _calls.Add(key, queue = new Queue<Draft>());
            }

            queue.Enqueue(call);
        }
    }

    /// <summary>Calls of one id in the order in which they were asked; a hostile sender's thousands are passed once, not at each result.</summary>
    private sealed class CallsOfId(Draft first)
    {
        private readonly List<Draft> _calls = [first];
        private int _withTool;
        private int _withResult;

        public Draft Last => _calls[^1];

        public void Add(Draft call) => _calls.Add(call);

        /// <summary>The call that a history tells again, or that the same answer names twice.</summary>
        public Draft? Known(RunStep? step, bool isTold) => isTold ? _calls[0] : Last.Step is null || Last.Step == step ? Last : null;

        public Draft? NextWithoutTool()
        {
            while (_withTool < _calls.Count && _calls[_withTool].Tool is not null)
            {
                _withTool++;
            }

            return _withTool < _calls.Count ? _calls[_withTool] : null;
        }

        public Draft? NextWithoutResult()
        {
            while (_withResult < _calls.Count && _calls[_withResult].HasTold)
            {
                _withResult++;
            }

            return _withResult < _calls.Count ? _calls[_withResult] : null;
        }
    }

    private sealed class Draft
    {
        private string? _told;
        private bool _isError;

        public string? Id { get; set; }

        public string? Name { get; set; }

        public string? Arguments { get; set; }

        public RunStep? Step { get; set; }

        public RunStep? Tool { get; private set; }

        public bool HasTold { get; private set; }

        /// <summary>A step that tells a result was started after the call was asked for.</summary>
        public bool IsBefore(RunStep teller) =>
            Step is null || Step == teller || Step.StartUnixNano <= teller.StartUnixNano || teller.Kind != StepKind.Llm;

        public void Take(RunStep tool)
        {
            Tool = tool;
            tool.Tool ??= Name;
            Name ??= tool.Tool;
            Arguments ??= tool.Arguments;
        }

        public void Tell(MessagePart result)
        {
            HasTold = true;
            _told = result.Text is { Length: > 0 } text ? text : null;
            _isError |= result.IsError;
            Name ??= result.ToolName;
        }

        public ToolCall Finish() => new(Name ?? "")
        {
            CallId = Id ?? Tool?.CallId,
            Arguments = Arguments,
            Result = Tool?.Result is { } result && !(IsFailed && result == "null") ? result : _told,
            IsError = _isError || IsFailed,
            CallingStep = Step,
            ToolStep = Tool,
        };

        private bool IsFailed => Tool is not null && (Tool.Status == StepStatus.Error || Tool.ResultIsError || Tool.Exceptions.Count > 0);
    }
}
