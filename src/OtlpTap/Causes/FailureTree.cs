using OtlpTap.Otlp;

namespace OtlpTap.Causes;

/// <summary>Where a span stands in its trace.</summary>
internal readonly record struct SpanPlace(SpanId SpanId, SpanId ParentId, ulong Start, ulong End);

/// <summary>
/// The failing spans of one trace, and which of them only repeat another: the deepest one is the cause, and what is around
/// it repeats it when <see cref="Repetition"/> says so. Both the line (one request at a time) and the checks of whole traces
/// decide here. Bounded in steps: what is not looked at stays a cause of its own.
/// </summary>
internal sealed class FailureTree
{
    /// <summary>Levels that are climbed from a cause; a run nested deeper is no agent's.</summary>
    private const int DepthMax = 128;

    /// <summary>Pairs of spans that are compared, some 10 ms in all where every text is as long as can be.</summary>
    private const int ComparisonsMax = 8192;

    /// <summary>Spans that are looked at to see whether a cause was the last thing below another span.</summary>
    private const int LooksMax = 1 << 18;

    /// <summary>Nanoseconds. Clocks of one process differ by a millisecond or two: JavaScript starts spans by one and ends them by another.</summary>
    private const ulong ClockSlack = 5_000_000;

    private readonly Dictionary<SpanId, SpanPlace> _places = [];
    private readonly Dictionary<SpanId, FailingSpan> _failing = [];
    private readonly List<SpanPlace> _spans = [];
    private int _comparisons;
    private int _looks;

    /// <summary>Whether everything was looked at.</summary>
    public bool IsComplete => _comparisons < ComparisonsMax && _looks < LooksMax;

    /// <summary>Spans of the trace, failing or not. The first of an id counts.</summary>
    public void Add(in SpanPlace place)
    {
        if (!place.SpanId.IsZero && _places.TryAdd(place.SpanId, place))
        {
            _spans.Add(place);
        }
    }

    public void Add(FailingSpan span)
    {
        _failing.TryAdd(span.SpanId, span);
        Add(new SpanPlace(span.SpanId, span.ParentId, span.Start, span.End));
    }

    /// <summary>Sets <see cref="FailingSpan.Origin"/> on those that repeat another.</summary>
    public void Resolve()
    {
        var below = new Dictionary<FailingSpan, List<FailingSpan>>();
        var depths = new Dictionary<FailingSpan, int>();
        foreach (var cause in _failing.Values)
        {
            var depth = 0;
            foreach (var ancestor in Ancestors(cause.SpanId))
            {
                depth++;
                if (_failing.TryGetValue(ancestor, out var above))
                {
                    (below.TryGetValue(above, out var causes) ? causes : below[above] = []).Add(cause);
                }
            }

            depths[cause] = depth;
        }

        // From below: by the time that a span is looked at, it is known of those below it what they repeat.
        foreach (var above in below.Keys.OrderByDescending(span => depths[span]))
        {
            if (above.Origin.IsZero)
            {
                above.Origin = BestOf(above, below[above]);
            }
        }

        ResolveQuotes();
        ResolveFlat();
        ResolveUnlinked();
    }

    /// <summary>The highest known ancestor's parent: the id by which the rest of the chain will come.</summary>
    public SpanId TopParentOf(FailingSpan span)
    {
        var parent = span.ParentId;
        foreach (var ancestor in Ancestors(span.SpanId))
        {
            parent = _places.TryGetValue(ancestor, out var place) ? place.ParentId : ancestor;
        }

        return parent;
    }

    private SpanId BestOf(FailingSpan above, List<FailingSpan> below)
    {
        var best = (Strength: RepetitionStrength.None, End: 0UL, Id: default(SpanId));
        foreach (var cause in below)
        {
            // What a span says that itself repeats a cause, in words of its own, goes on from there.
            var origin = cause.IsCause ? cause.SpanId : cause.Origin;
            if (origin.IsZero || ++_comparisons >= ComparisonsMax)
            {
                continue;
            }

            var strength = Repetition.Of(above, cause, () => IsLastBelow(above, cause));
            if (strength > best.Strength || (strength == best.Strength && strength != RepetitionStrength.None && cause.End > best.End))
            {
                best = (strength, cause.End, origin);
            }
        }

        return best.Id;
    }

    /// <summary>A model's call on which a tool's failure was found: it stands in the messages, and the tool's own span is the cause.</summary>
    private void ResolveQuotes()
    {
        foreach (var call in _failing.Values)
        {
            if (call is not { IsCause: true, IsModelCall: true, IsError: false, Failures: ["tool_error"] })
            {
                continue;
            }

            FailingSpan? tool = null;
            foreach (var other in _failing.Values)
            {
                if (other is { IsCause: true, IsModelCall: false } && other.Failures.Contains("tool_error") && other.End <= call.End
                    && ++_looks < LooksMax && (tool is null || other.End > tool.End))
                {
                    tool = other;
                }
            }

            call.Origin = tool?.SpanId ?? default;
        }
    }

    /// <summary>
    /// Spans whose chain to an earlier request's cause is not known, because what lies between came in a request that nobody
    /// looked at: they repeat it when they say the same and enclose it in time. Two below the same parent are neighbours,
    /// and so are two calls of a model.
    /// </summary>
    private void ResolveUnlinked()
    {
        foreach (var cause in _failing.Values.Where(span => span is { IsEarlier: true, IsCause: true, ParentId.IsZero: false }).OrderByDescending(span => span.End).ToList())
        {
            foreach (var above in _failing.Values)
            {
                if (above is { IsEarlier: false, IsError: true, IsSource: false, IsModelCall: false, Origin.IsZero: true }
                    && Encloses(above, cause)
                    && TopParentOf(above) != TopParentOf(cause)
                    && ++_comparisons < ComparisonsMax && Repetition.SaysTheSame(above, cause))
                {
                    above.Origin = cause.SpanId;
                }
            }
        }
    }

    /// <summary>Frames that stand beside what they enclose (OpenLLMetry for LangChain has no levels).</summary>
    private void ResolveFlat()
    {
        foreach (var frame in _failing.Values)
        {
            if (frame is not { IsFrame: true, IsError: true, Origin.IsZero: true })
            {
                continue;
            }

            foreach (var cause in _failing.Values)
            {
                if (cause is { IsCause: true, IsFrame: false } && cause.ParentId == frame.ParentId && Encloses(frame, cause)
                    && ++_comparisons < ComparisonsMax && Repetition.SaysTheSame(frame, cause))
                {
                    frame.Origin = cause.SpanId;
                }
            }
        }
    }

    private static bool Encloses(FailingSpan above, FailingSpan cause) =>
        above.Start <= cause.Start + ClockSlack && above.End + ClockSlack >= cause.End;

    private IEnumerable<SpanId> Ancestors(SpanId id)
    {
        // A ring of parents ends at the depth.
        for (var depth = 0; depth < DepthMax && _places.TryGetValue(id, out var place) && !place.ParentId.IsZero && place.ParentId != id; depth++)
        {
            id = place.ParentId;
            yield return id;
        }
    }

    private bool IsLastBelow(FailingSpan above, FailingSpan cause)
    {
        foreach (var span in _spans)
        {
            if (++_looks >= LooksMax)
            {
                return false;
            }

            if (span.Start >= cause.End && span.Start < above.End && span.SpanId != cause.SpanId && span.SpanId != above.SpanId && IsBelow(span.SpanId, above.SpanId))
            {
                return false;
            }
        }

        return true;
    }

    private bool IsBelow(SpanId span, SpanId above)
    {
        foreach (var ancestor in Ancestors(span))
        {
            _looks++;
            if (ancestor == above)
            {
                return true;
            }
        }

        return false;
    }
}
