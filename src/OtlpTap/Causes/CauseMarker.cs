using OtlpTap.Otlp;
using OtlpTap.Scan;
using OtlpTap.Wire;

namespace OtlpTap.Causes;

/// <summary>
/// On the line, behind the scan: which of a request's failing spans only repeat another's failure, of this request or of an
/// earlier one. A second pass over that request alone, and only where something in it fails; healthy requests never come here.
/// Stateless but for the ledger: any thread.
/// </summary>
internal sealed class CauseMarker(CauseLedger ledger)
{
    /// <summary>Spans of failing traces that are placed in one request; an honest batch has 8,192 spans at most by default.</summary>
    private const int SpansMax = 1 << 14;

    /// <summary>Failing ones, which are read.</summary>
    private const int FailingMax = 1 << 10;

    private const int ErrorStatus = 2;

    /// <summary>
    /// Sets <see cref="SpanMatch.Origin"/> on matches that repeat a failure and adds the spans that no rule found and that
    /// do the same. False when the request has more failing spans than are looked at: the rest count as causes.
    /// </summary>
    public bool TryMark(ReadOnlySpan<byte> request, ScanResult scan)
    {
        if (scan.Signal != Signal.Traces || (scan.Matches.Length == 0 && (scan.ErrorCount == 0 || !ledger.KnowsAny(scan.TraceIds))))
        {
            return true;
        }

        var walk = new Walk(request, scan, ledger);
        walk.Run();
        walk.Mark();
        return walk.IsComplete;
    }

    /// <summary>
    /// The pass over the request.
    /// <code>
    ///   request        resource_spans = 1 *
    ///   ResourceSpans  scope_spans = 2 *
    ///   ScopeSpans     spans = 2 *
    ///   Span           trace_id = 1, span_id = 2, parent_span_id = 4, start = 7, end = 8, status = 15
    /// </code>
    /// Source: https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
    /// <para>The scan has found it well-formed.</para>
    /// </summary>
    private ref struct Walk
    {
        private readonly ReadOnlySpan<byte> _request;
        private readonly ScanResult _scan;
        private readonly CauseLedger _ledger;
        private readonly Dictionary<TraceId, Trace> _traces = [];
        private int _match;
        private int _spans;
        private int _failing;

        public Walk(ReadOnlySpan<byte> request, ScanResult scan, CauseLedger ledger)
        {
            _request = request;
            _scan = scan;
            _ledger = ledger;
        }

        public bool IsComplete { get; private set; } = true;

        public void Run()
        {
            // The traces that something is known to fail in: those of matches, and those that the ledger knows.
            foreach (ref readonly var match in _scan.Matches)
            {
                if (!match.TraceId.IsZero && _traces.Count < FailingMax)
                {
                    _traces.TryAdd(match.TraceId, new Trace());
                }
            }

            if (_scan.ErrorCount > 0)
            {
                foreach (ref readonly var id in _scan.TraceIds)
                {
                    if (_traces.Count < FailingMax && !_traces.ContainsKey(id) && _ledger.KnowsAny(new ReadOnlySpan<TraceId>(in id)))
                    {
                        _traces.Add(id, new Trace());
                    }
                }
            }

            var resources = new ProtoReader(_request);
            while (resources.Next())
            {
                if (resources.Tag == FieldTags.RequestResources)
                {
                    var scopes = new ProtoReader(_request, resources.ValueOffset, resources.ValueEnd);
                    while (scopes.Next())
                    {
                        if (scopes.Tag == FieldTags.ResourceScopes)
                        {
                            ReadSpans(resources.FieldOffset, scopes.FieldOffset, scopes.ValueOffset, scopes.ValueEnd);
                        }
                    }
                }
            }
        }

        public void Mark()
        {
            var repeating = new List<SpanMatch>();
            foreach (var (id, trace) in _traces)
            {
                var earlier = _ledger.Of(id);
                foreach (var cause in earlier)
                {
                    trace.Tree.Add(cause);
                }

                trace.Tree.Resolve();
                IsComplete &= trace.Tree.IsComplete;
                foreach (var (span, match, place) in trace.Failing)
                {
                    if (span.Origin.IsZero)
                    {
                        continue;
                    }

                    if (match >= 0)
                    {
                        _scan.SetOrigin(match, span.Origin);
                    }
                    else
                    {
                        repeating.Add(place with { TraceId = id, SpanId = span.SpanId, Origin = span.Origin });
                    }
                }

                // A cause whose root has come has nothing above it that could come later.
                List<FailingSpan> causes =
                [
                    .. earlier.Concat(trace.Failing.Select(failing => failing.Span).Where(span => span.IsCause))
                        .Select(span => span.AsEarlier(trace.Tree.TopParentOf(span), trace.WordsOf(span)))
                        .Where(span => !span.ParentId.IsZero),
                ];
                if (causes.Count > 0)
                {
                    _ledger.Remember(id, causes);
                }
            }

            repeating.Sort((one, other) => one.SpanTagOffset.CompareTo(other.SpanTagOffset));
            _scan.AddRepeating(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(repeating));
        }

        private void ReadSpans(int resourceTag, int scopeTag, int start, int end)
        {
            var spans = new ProtoReader(_request, start, end);
            while (spans.Next())
            {
                if (spans.Tag == FieldTags.ScopeItems)
                {
                    ReadSpan(new SpanMatch
                    {
                        ResourceSpansTagOffset = resourceTag,
                        ScopeSpansTagOffset = scopeTag,
                        SpanTagOffset = spans.FieldOffset,
                        SpanOffset = spans.ValueOffset,
                        SpanLength = spans.ValueLength,
                    });
                }
            }
        }

        private void ReadSpan(in SpanMatch place)
        {
            var matches = _scan.Matches;
            while (_match < matches.Length && matches[_match].SpanTagOffset < place.SpanTagOffset)
            {
                _match++;
            }

            var match = _match < matches.Length && matches[_match].SpanTagOffset == place.SpanTagOffset ? _match : -1;
            if (!TryReadPlace(place, out var trace, out var span, out var isError) || span.SpanId.IsZero)
            {
                return;
            }

            if (_spans++ >= SpansMax)
            {
                IsComplete = false;
                return;
            }

            trace!.Tree.Add(span);
            if (!isError && match < 0)
            {
                return;
            }

            if (_failing++ >= FailingMax)
            {
                IsComplete = false;
                return;
            }

            var failing = SpanFailure.Read(_request, place.SpanOffset, place.SpanOffset + place.SpanLength, match < 0 ? [] : FailuresOf(in matches[match]));
            trace.Tree.Add(failing);
            trace.Failing.Add((failing, match, place));
        }

        private readonly List<string> FailuresOf(in SpanMatch match)
        {
            var failures = new List<string>();
            foreach (var rule in _scan.RulesOf(in match))
            {
                if (!failures.Contains(_scan.Rules[rule].Failure))
                {
                    failures.Add(_scan.Rules[rule].Failure);
                }
            }

            return failures;
        }

        private readonly bool TryReadPlace(in SpanMatch place, out Trace? trace, out SpanPlace span, out bool isError)
        {
            trace = null;
            isError = false;
            var head = default(SpanHead);
            var reader = new ProtoReader(_request, place.SpanOffset, place.SpanOffset + place.SpanLength);
            while (reader.Next())
            {
                if (!head.TryTake(reader.Tag, reader.Value) && reader.Tag == FieldTags.SpanStatus)
                {
                    var status = new ProtoReader(_request, reader.ValueOffset, reader.ValueEnd);
                    while (status.Next())
                    {
                        isError = status.Tag == FieldTags.StatusCode ? (int)status.Varint == ErrorStatus : isError;
                    }
                }
            }

            span = new SpanPlace(head.SpanId, head.ParentId, head.StartUnixNano, head.EndUnixNano);
            return _traces.TryGetValue(head.TraceId, out trace);
        }
    }

    private sealed class Trace
    {
        public FailureTree Tree { get; } = new();

        /// <summary>With the index of the match, -1 without one, and where the span stands.</summary>
        public List<(FailingSpan Span, int Match, SpanMatch Place)> Failing { get; } = [];

        public IEnumerable<string> WordsOf(FailingSpan cause) =>
            Failing.Where(failing => failing.Span.Origin == cause.SpanId).SelectMany(failing => failing.Span.Messages);
    }
}
