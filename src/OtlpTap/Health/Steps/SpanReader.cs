using System.Runtime.InteropServices;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Runs;
using OtlpTap.Scan;
using OtlpTap.Spans;
using OtlpTap.Verdicts;

namespace OtlpTap.Health.Steps;

/// <summary>
/// Tells of every step of agents' runs as it comes by, whatever instrumentation wrote it, and passes over spans of other
/// software. A request is told of when all its spans have come, for parents may stand behind their children. On the
/// recorder's thread alone.
/// </summary>
internal sealed class SpanReader(IReadOnlyList<ISpanFactObserver> observers, TraceOwners owners) : ISpanListener
{
    private ISpanFactObserver[] _observers = [.. observers];
    private readonly KnownNames _names = new();
    private readonly StepAgents _agents = new(owners);
    private readonly RequestTree _tree = new();

    // Side by side.
    private readonly List<SpanFact> _facts = [];
    private readonly List<Step> _steps = [];
    private string _service = "";
    private string _scope = "";
    private ScanResult? _scan;
    private int _nextMatch;

    /// <summary>A further observer, told after the others. Before anything is read.</summary>
    public void Tell(ISpanFactObserver observer) => _observers = [.. _observers, observer];

    /// <summary>Before a walk over a request's spans.</summary>
    public void Begin(ScanResult scan)
    {
        // What a walk that broke off has left would be told with the next.
        Clear();
        _scan = scan;
        _nextMatch = 0;
    }

    public void Scope(ReadOnlySpan<byte> service, ReadOnlySpan<byte> name)
    {
        _service = service.IsEmpty ? "" : _names.Of(service).Text;
        _scope = name.IsEmpty ? "" : _names.Of(name).Text;
    }

    public void Span(in SpanView span)
    {
        if (_tree.IsFull)
        {
            Tell();
        }

        var frame = span.Frame;
        var (trace, id, parent) = (span.TraceId, span.SpanId, span.ParentId);
        var meaning = new SpanMeaning(span.Request, frame, _names, span.Name, _scope);
        var answer = meaning.Kind();
        var fallback = frame.Has(SpanKeys.Fallback) ? meaning.Fallback() : null;
        if ((answer.Kind == StepKind.Other && fallback is null) || meaning.IsPending())
        {
            _tree.Add(trace, id, parent, agent: frame.HasAny(SpanKeys.Agents) ? meaning.Agent(StepKind.Other) : null);
            return;
        }

        var kind = answer.IsChain ? StepKind.Step : answer.Kind;
        var (failure, isRepeated) = FailureAt(span.Start, meaning);
        var place = _tree.Add(trace, id, parent, answer.Kind, answer.IsChain, meaning.Agent(kind), answer.IsChain ? meaning.Agent(StepKind.Workflow) : null);
        _steps.Add(new Step(place, kind is StepKind.Agent or StepKind.Workflow || frame.HasAny(SpanKeys.Agents)));
        CollectionsMarshal.SetCount(_facts, _facts.Count + 1);
        CollectionsMarshal.AsSpan(_facts)[^1] = new SpanFact
        {
            TraceId = trace,
            SpanId = id,
            ParentId = parent,
            Service = _service,
            Agent = "",
            Tool = kind == StepKind.Tool ? meaning.Tool() : "",
            Model = kind == StepKind.Llm ? meaning.Model() : "",
            StartUnixNano = span.StartUnixNano,
            EndUnixNano = span.EndUnixNano,
            Failure = failure,
            IsRepeated = isRepeated,
            InputTokens = kind == StepKind.Tool ? 0 : meaning.InputTokens(),
            OutputTokens = kind == StepKind.Tool ? 0 : meaning.OutputTokens(),
            Fallback = fallback,
        };
    }

    /// <summary>Matches stand in the order of the bytes, as the spans do.</summary>
    private (string? Failure, bool IsRepeated) FailureAt(int spanOffset, in SpanMeaning meaning)
    {
        var scan = _scan!; // begun
        var matches = scan.Matches;
        while (_nextMatch < matches.Length && matches[_nextMatch].SpanOffset < spanOffset)
        {
            _nextMatch++;
        }

        if (_nextMatch == matches.Length || matches[_nextMatch].SpanOffset != spanOffset)
        {
            return (null, false);
        }

        ref readonly var match = ref matches[_nextMatch];
        foreach (var rule in scan.RulesOf(match))
        {
            if (!FailureKind.IsMark(scan.Rules[rule].Failure))
            {
                return (scan.Rules[rule].Failure, !match.Origin.IsZero);
            }
        }

        return (match.AlreadyTagged ? meaning.Failure() : null, !match.Origin.IsZero);
    }

    /// <summary>After the walk.</summary>
    public void End()
    {
        Tell();
        _scan = null;
    }

    private void Tell()
    {
        try
        {
            if (_steps.Count > 0)
            {
                TellSteps();
            }
        }
        finally
        {
            // What an observer could not take would otherwise end every request after it, too.
            Clear();
        }
    }

    private void Clear()
    {
        _steps.Clear();
        _facts.Clear();
        _tree.Clear();
    }

    private void TellSteps()
    {
        _tree.Resolve();
        var facts = CollectionsMarshal.AsSpan(_facts);
        var steps = CollectionsMarshal.AsSpan(_steps);
        _agents.Prepare(facts);
        for (var i = 0; i < facts.Length; i++)
        {
            facts[i].Kind = _tree.Kind(steps[i].Place);
            if (steps[i].NamesAgent && _tree.Agent(steps[i].Place) is { } agent)
            {
                _agents.Tell(facts[i].TraceId, facts[i].Service, agent, facts[i].Kind == StepKind.Workflow);
            }
        }

        for (var i = 0; i < facts.Length; i++)
        {
            facts[i].Agent = _tree.Agent(steps[i].Place) ?? _agents.Of(facts[i].TraceId, facts[i].Service);
        }

        foreach (var observer in _observers)
        {
            observer.Observed(facts);
        }
    }

    /// <param name="Place">In the tree.</param>
    /// <param name="NamesAgent">Its agent is told by itself, and not by an ancestor.</param>
    private readonly record struct Step(int Place, bool NamesAgent);
}
