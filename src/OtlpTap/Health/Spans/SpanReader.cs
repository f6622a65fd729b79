using System.Runtime.InteropServices;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Runs;
using OtlpTap.Scan;
using OtlpTap.Tee;
using OtlpTap.Verdicts;
using OtlpTap.Wire;

namespace OtlpTap.Health.Spans;

/// <summary>
/// Tells of every step of agents' runs as it comes by, whatever instrumentation wrote it: reads the request where it lies,
/// and passes over spans of other software. On the recorder's thread alone.
/// <code>
///   ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }   ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
///   ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }
/// </code>
/// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
/// </summary>
internal sealed class SpanReader(IReadOnlyList<ISpanFactObserver> observers, TraceOwners owners)
{
    private const uint Message = (uint)WireType.LengthDelimited;
    private const uint AttributesTag = ((uint)OtlpFields.Span.Attributes << 3) | Message;
    private const uint TraceIdTag = ((uint)OtlpFields.Span.TraceId << 3) | Message;
    private const uint SpanIdTag = ((uint)OtlpFields.Span.SpanId << 3) | Message;
    private const uint ParentIdTag = ((uint)OtlpFields.Span.ParentSpanId << 3) | Message;
    private const uint NameTag = ((uint)OtlpFields.Span.Name << 3) | Message;
    private const uint StartTag = ((uint)OtlpFields.Span.StartTimeUnixNano << 3) | (uint)WireType.Fixed64;
    private const uint EndTag = ((uint)OtlpFields.Span.EndTimeUnixNano << 3) | (uint)WireType.Fixed64;

    private ISpanFactObserver[] _observers = [.. observers];
    private readonly SpanFrame _frame = new();
    private readonly KnownNames _names = new();
    private readonly StepAgents _agents = new(owners);
    private readonly RequestTree _tree = new();

    // Side by side.
    private readonly List<SpanFact> _facts = [];
    private readonly List<Step> _steps = [];
    private string _service = "";
    private string _scope = "";
    private int _nextMatch;

    /// <summary>A further observer, told after the others. Before anything is read.</summary>
    public void Tell(ISpanFactObserver observer) => _observers = [.. _observers, observer];

    /// <summary>The handler of recorded requests.</summary>
    public void Recorded(in TeeItem item)
    {
        if (item.Signal == Signal.Traces)
        {
            Read(item.Payload.Span, item.Scan);
        }
    }

    /// <summary>Never throws for what it is given: what is malformed ends the message it stands in; what came before it counts.</summary>
    public void Read(ReadOnlySpan<byte> request, ScanResult scan)
    {
        _nextMatch = 0;
        var resources = new ProtoReader(request);
        while (resources.Next())
        {
            if (resources is { FieldNumber: OtlpFields.TraceRequest.ResourceSpans, WireType: WireType.LengthDelimited })
            {
                ReadResource(request, resources.ValueOffset, resources.ValueEnd, scan);
            }
        }

        Tell();
    }

    private void ReadResource(ReadOnlySpan<byte> request, int start, int end, ScanResult scan)
    {
        // The resource may stand behind the spans: it is read first.
        _service = "";
        var resource = new ProtoReader(request, start, end);
        while (resource.Next())
        {
            if (resource is { FieldNumber: OtlpFields.ResourceSpans.Resource, WireType: WireType.LengthDelimited })
            {
                _service = ServiceOf(request, resource.ValueOffset, resource.ValueEnd);
            }
        }

        var scopes = new ProtoReader(request, start, end);
        while (scopes.Next())
        {
            if (scopes is { FieldNumber: OtlpFields.ResourceSpans.ScopeSpans, WireType: WireType.LengthDelimited })
            {
                ReadScope(request, scopes.ValueOffset, scopes.ValueEnd, scan);
            }
        }
    }

    private string ServiceOf(ReadOnlySpan<byte> request, int start, int end)
    {
        var attributes = new ProtoReader(request, start, end);
        while (attributes.Next())
        {
            if (attributes is { FieldNumber: OtlpFields.Resource.Attributes, WireType: WireType.LengthDelimited }
                && ServiceName.TryRead(request, attributes.ValueOffset, attributes.ValueEnd, out var service))
            {
                return service.IsEmpty ? "" : _names.Of(service).Text;
            }
        }

        return "";
    }

    private void ReadScope(ReadOnlySpan<byte> request, int start, int end, ScanResult scan)
    {
        _scope = "";
        var scope = new ProtoReader(request, start, end);
        while (scope.Next())
        {
            if (scope is { FieldNumber: OtlpFields.ScopeSpans.Scope, WireType: WireType.LengthDelimited })
            {
                ReadScopeName(scope.Value);
            }
        }

        // What taps tell of their verdicts is no step of the agent.
        if (_scope == TapTelemetry.ScopeName)
        {
            return;
        }

        var spans = new ProtoReader(request, start, end);
        while (spans.Next())
        {
            if (spans is { FieldNumber: OtlpFields.ScopeSpans.Spans, WireType: WireType.LengthDelimited })
            {
                ReadSpan(request, spans.ValueOffset, spans.ValueEnd, scan);
            }
        }
    }

    private void ReadScopeName(ReadOnlySpan<byte> scope)
    {
        var fields = new ProtoReader(scope);
        while (fields.Next())
        {
            if (fields is { FieldNumber: OtlpFields.Scope.Name, WireType: WireType.LengthDelimited })
            {
                _scope = _names.Of(fields.Value).Text;
            }
        }
    }

    private void ReadSpan(ReadOnlySpan<byte> request, int start, int end, ScanResult scan)
    {
        var frame = _frame;
        frame.Clear();
        TraceId trace = default;
        SpanId id = default;
        SpanId parent = default;
        ReadOnlySpan<byte> name = default;
        ulong started = 0;
        ulong ended = 0;
        var reader = new ProtoReader(request, start, end);
        while (reader.Next())
        {
            // Before the switch: it is half of all fields.
            if (reader.Tag == AttributesTag)
            {
                frame.Add(request, reader.ValueOffset, reader.ValueEnd);
                continue;
            }

            switch (reader.Tag)
            {
                case TraceIdTag:
                    TraceId.TryRead(reader.Value, out trace);
                    break;
                case SpanIdTag:
                    SpanId.TryRead(reader.Value, out id);
                    break;
                case ParentIdTag:
                    SpanId.TryRead(reader.Value, out parent);
                    break;
                case NameTag:
                    name = reader.Value;
                    break;
                case StartTag:
                    started = reader.Fixed64;
                    break;
                case EndTag:
                    ended = reader.Fixed64;
                    break;
            }
        }

        if (trace.IsZero)
        {
            return;
        }

        if (_tree.IsFull)
        {
            Tell();
        }

        var meaning = new SpanMeaning(request, frame, _names, name, _scope);
        var answer = meaning.Kind();
        var fallback = frame.Has(SpanKeys.Fallback) ? meaning.Fallback() : null;
        if ((answer.Kind == StepKind.Other && fallback is null) || meaning.IsPending())
        {
            _tree.Add(trace, id, parent, agent: frame.HasAny(SpanKeys.Agents) ? meaning.Agent(StepKind.Other) : null);
            return;
        }

        var kind = answer.IsChain ? StepKind.Step : answer.Kind;
        var (failure, isRepeated) = FailureAt(start, scan, meaning);
        var place = _tree.Add(trace, id, parent, answer.Kind, answer.IsChain, meaning.Agent(kind), answer.IsChain ? meaning.Agent(StepKind.Workflow) : null);
        _steps.Add(new Step(place, kind is StepKind.Agent or StepKind.Workflow || frame.HasAny(SpanKeys.Agents)));
        _facts.Add(new SpanFact
        {
            TraceId = trace,
            SpanId = id,
            ParentId = parent,
            Service = _service,
            Agent = "",
            Tool = kind == StepKind.Tool ? meaning.Tool() : "",
            Model = kind == StepKind.Llm ? meaning.Model() : "",
            StartUnixNano = started,
            EndUnixNano = ended,
            Failure = failure,
            IsRepeated = isRepeated,
            InputTokens = kind == StepKind.Tool ? 0 : meaning.InputTokens(),
            OutputTokens = kind == StepKind.Tool ? 0 : meaning.OutputTokens(),
            Fallback = fallback,
        });
    }

    /// <summary>Matches stand in the order of the bytes, as the spans do.</summary>
    private (string? Failure, bool IsRepeated) FailureAt(int spanOffset, ScanResult scan, in SpanMeaning meaning)
    {
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
            _steps.Clear();
            _facts.Clear();
            _tree.Clear();
        }
    }

    private void TellSteps()
    {
        _tree.Resolve();
        var facts = CollectionsMarshal.AsSpan(_facts);
        var steps = CollectionsMarshal.AsSpan(_steps);
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
