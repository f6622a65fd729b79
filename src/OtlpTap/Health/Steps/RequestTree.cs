using System.Numerics;
using System.Runtime.InteropServices;
using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Health.Steps;

/// <summary>
/// The spans of one request by their parents: what only ancestors tell, as far as they came along. Chains within a run are
/// its steps; and a span is of the agent of its nearest ancestor that names one. Reused. For one thread.
/// </summary>
internal sealed class RequestTree
{
    /// <summary>A collector's batch. A larger request is told apart in as many at a time, so that it costs no more memory.</summary>
    public const int SpansMax = 8192;

    // One for each part of an id, so that chosen ones cannot be made to fall on one place.
    private static readonly ulong[] Seeds = [.. Enumerable.Range(0, 3).Select(_ => (ulong)RandomKey.Create() | 1)];

    private readonly List<Node> _nodes = [];

    // By their ids: numbers of nodes plus one, at a hash that senders cannot foresee, or at the next free place. Half full at most.
    private int[] _byId = [];
    private int _mask;
    private int _shift;
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
    }

    public void Resolve()
    {
        var nodes = CollectionsMarshal.AsSpan(_nodes);
        Index(nodes);
        foreach (ref var node in nodes)
        {
            node.ParentAt = node.Parent.IsZero ? -1 : Find(nodes, node.Trace, node.Parent, out _);
        }

        // Parents before their children; a ring of parents, which only a broken sender makes, is cut where it is met.
        for (var start = 0; start < nodes.Length; start++)
        {
            for (var at = start; at >= 0 && nodes[at] is { IsResolved: false, IsOnPath: false }; at = nodes[at].ParentAt)
            {
                _path.Push(at);
                nodes[at].IsOnPath = true;
            }

            while (_path.TryPop(out var child))
            {
                Resolve(nodes, child);
            }
        }
    }

    public StepKind Kind(int span) => CollectionsMarshal.AsSpan(_nodes)[span].Kind;

    public string? Agent(int span) => CollectionsMarshal.AsSpan(_nodes)[span].Agent;

    private static void Resolve(Span<Node> nodes, int at)
    {
        ref var node = ref nodes[at];
        var parentAt = node.ParentAt;
        var hasParent = parentAt >= 0 && nodes[parentAt].IsResolved;
        var isWithinRun = hasParent && nodes[parentAt].IsWithinRun;
        if (node.IsChain)
        {
            // Whose parent comes later is within a run: children come before their parents, and a run's root has none, or
            // one that is of other software and ends together with it.
            var isStep = isWithinRun || (!node.Parent.IsZero && parentAt < 0);
            (node.Kind, node.Agent) = isStep ? (StepKind.Step, node.Agent) : (node.Kind, node.Agent ?? node.AgentOfWorkflow);
        }

        node.IsWithinRun = isWithinRun || node.Kind is StepKind.Agent or StepKind.Workflow;
        node.Agent ??= hasParent ? nodes[parentAt].Agent : null;
        node.IsOnPath = false;
        node.IsResolved = true;
    }

    private void Index(Span<Node> nodes)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, nodes.Length * 2));
        _mask = size - 1;
        _shift = 64 - BitOperations.Log2((uint)size);
        if (_byId.Length < size)
        {
            _byId = new int[size];
        }
        else
        {
            _byId.AsSpan(0, size).Clear();
        }

        // Of spans that have one id the last is the one.
        for (var number = nodes.Length; number > 0; number--)
        {
            ref readonly var node = ref nodes[number - 1];
            if (Find(nodes, node.Trace, node.Id, out var place) < 0)
            {
                _byId[place] = number;
            }
        }
    }

    private int Find(Span<Node> nodes, in TraceId trace, SpanId id, out int place)
    {
        // The highest bits, which alone depend on all of an id: ids that differ in their first bytes only have the others alike.
        var hash = (id.Value * Seeds[0]) + (trace.Low * Seeds[1]) + (trace.High * Seeds[2]);
        place = (int)(hash >> _shift);
        while (_byId[place] is > 0 and var number)
        {
            ref readonly var node = ref nodes[number - 1];
            if (node.Id == id && node.Trace == trace)
            {
                return number - 1;
            }

            place = (place + 1) & _mask;
        }

        return -1;
    }

    private record struct Node
    {
        public TraceId Trace;
        public SpanId Id;
        public SpanId Parent;
        public StepKind Kind;

        /// <summary>Its number; negative: it is none of these.</summary>
        public int ParentAt;
        public bool IsChain;
        public bool IsWithinRun;
        public bool IsOnPath;
        public bool IsResolved;
        public string? Agent;
        public string? AgentOfWorkflow;
    }
}
