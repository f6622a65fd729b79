using OtlpTap.Otlp;
using OtlpTap.Runs.Dialects;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs;

/// <summary>The spans of a trace in order, and what only their ancestors tell: chains, and the agent a step belongs to.</summary>
internal sealed class SpanTree
{
    private readonly Dictionary<SpanId, Node> _nodes = [];

    public SpanTree(List<SpanRecord> spans)
    {
        foreach (var span in spans)
        {
            // Logfire sends a stand-in for each span while it runs, under an id of its own; a resent span is the same once more.
            if (span.Attributes.IsText("logfire.span_type", "pending_span"))
            {
                continue;
            }

            if (!_nodes.TryGetValue(span.SpanId, out var known) || known.Span.EndUnixNano <= span.EndUnixNano)
            {
                _nodes[span.SpanId] = new Node(span, StepKinds.Of(span));
            }
        }

        Resolve();
        Spans = _nodes.Values.OrderBy(node => node.Span.StartUnixNano).ThenBy(node => node.Depth).Select(node => node.Span).ToList();
    }

    public IReadOnlyList<SpanRecord> Spans { get; }

    public StepKind Kind(SpanId id) => _nodes[id].Kind;

    /// <summary>The span's own agent, or the nearest ancestor's.</summary>
    public string? Agent(SpanRecord span) => _nodes[span.SpanId].Agent;

    /// <summary>Parents before their children; a ring of parents, which only a broken sender makes, is cut where it is met.</summary>
    private void Resolve()
    {
        var path = new Stack<Node>();
        foreach (var start in _nodes.Values)
        {
            var node = start;
            while (node is { IsResolved: false, IsOnPath: false })
            {
                node.IsOnPath = true;
                path.Push(node);
                node = Parent(node);
            }

            while (path.TryPop(out var child))
            {
                child.IsOnPath = false;
                child.Resolve(Parent(child) is { IsResolved: true } parent ? parent : null);
            }
        }
    }

    private Node? Parent(Node node) => node.Span.ParentId.IsZero ? null : _nodes.GetValueOrDefault(node.Span.ParentId);

    private sealed class Node(SpanRecord span, StepKinds.Answer answer)
    {
        public SpanRecord Span => span;

        public StepKind Kind { get; private set; } = answer.Kind;

        public string? Agent { get; private set; }

        public int Depth { get; private set; }

        public bool IsResolved { get; private set; }

        public bool IsOnPath { get; set; }

        private bool IsWithinRun { get; set; }

        public void Resolve(Node? parent)
        {
            IsResolved = true;
            Depth = parent is null ? 0 : parent.Depth + 1;
            if (answer.IsChain && parent is { IsWithinRun: true })
            {
                Kind = StepKind.Step;
            }

            IsWithinRun = parent is { IsWithinRun: true } || Kind is StepKind.Agent or StepKind.Workflow;
            Agent = StepNames.Agent(span, Kind) ?? parent?.Agent;
        }
    }
}
