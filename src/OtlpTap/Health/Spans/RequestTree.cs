using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Health.Spans;

/// <summary>
/// The spans of one request by their parents: what only ancestors tell, as far as they came along. Chains within a run are
/// its steps; and a span is of the agent of its nearest ancestor that names one. Reused. For one thread.
/// </summary>
internal sealed class RequestTree
{
    /// <summary>A collector's batch. A larger request is told apart in as many at a time, so that it costs no more memory.</summary>
    public const int SpansMax = 8192;

    private readonly List<Node> _nodes = [];
    private readonly Dictionary<(TraceId, SpanId), int> _byId = [];
    private readonly Stack<int> _path = new();

    public bool IsFull => _nodes.Count == SpansMax;

    /// <returns>By which it is asked for when all have been added.</returns>
    public int Add(in TraceId trace, SpanId id, SpanId parent, StepKind kind = StepKind.Other, bool isChain = false, string? agent = null, string? agentOfWorkflow = null)
    {
        _nodes.Add(new Node
        {
            Trace = trace,
            Id = id,
            Parent = parent,
            Kind = kind,
            IsChain = isChain,
            Agent = agent,
            AgentOfWorkflow = agentOfWorkflow,
        });
        return _nodes.Count - 1;
    }

    public void Clear()
    {
        _nodes.Clear();
        _byId.Clear();
        if (_nodes.Capacity > SpansMax)
        {
            _nodes.Capacity = 0;
        }
    }

    public void Resolve()
    {
        for (var i = 0; i < _nodes.Count; i++)
        {
            _byId[(_nodes[i].Trace, _nodes[i].Id)] = i;
        }

        // Parents before their children; a ring of parents, which only a broken sender makes, is cut where it is met.
        for (var start = 0; start < _nodes.Count; start++)
        {
            for (var at = start; at >= 0 && _nodes[at] is { IsResolved: false, IsOnPath: false }; at = ParentOf(at))
            {
                _path.Push(at);
                _nodes[at] = _nodes[at] with { IsOnPath = true };
            }

            while (_path.TryPop(out var child))
            {
                _nodes[child] = Resolved(child);
            }
        }
    }

    public StepKind Kind(int span) => _nodes[span].Kind;

    public string? Agent(int span) => _nodes[span].Agent;

    private Node Resolved(int at)
    {
        var node = _nodes[at];
        var parentAt = ParentOf(at);
        var parent = parentAt >= 0 && _nodes[parentAt].IsResolved ? _nodes[parentAt] : default;
        if (node.IsChain)
        {
            // Whose parent comes later is within a run: children come before their parents, and a run's root has none, or
            // one that is of other software and ends together with it.
            var isStep = parent.IsWithinRun || (!node.Parent.IsZero && parentAt < 0);
            (node.Kind, node.Agent) = isStep ? (StepKind.Step, node.Agent) : (node.Kind, node.Agent ?? node.AgentOfWorkflow);
        }

        node.IsWithinRun = parent.IsWithinRun || node.Kind is StepKind.Agent or StepKind.Workflow;
        node.Agent ??= parent.Agent;
        node.IsOnPath = false;
        node.IsResolved = true;
        return node;
    }

    private int ParentOf(int at)
    {
        var node = _nodes[at];
        return !node.Parent.IsZero && _byId.TryGetValue((node.Trace, node.Parent), out var parent) ? parent : -1;
    }

    private record struct Node
    {
        public TraceId Trace;
        public SpanId Id;
        public SpanId Parent;
        public StepKind Kind;
        public bool IsChain;
        public bool IsWithinRun;
        public bool IsOnPath;
        public bool IsResolved;
        public string? Agent;
        public string? AgentOfWorkflow;
    }
}
