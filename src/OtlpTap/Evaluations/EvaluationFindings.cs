using System.Runtime.InteropServices;
using OtlpTap.Otlp;

namespace OtlpTap.Evaluations;

/// <summary>What evaluations can refer to in one request, and the evaluations in it. Reused: <see cref="Clear"/> before each request.</summary>
internal sealed class EvaluationFindings(int evaluationsMax)
{
    /// <summary>A batch of 512 spans, the SDKs' default, with eight results each. It bounds what one request costs the recorder's thread.</summary>
    public const int EvaluationsMax = 4096;

    // A collector's batch has 8,192 items. More are kept while they are needed and no longer.
    private const int ReferencesKept = 16_384;

    private readonly List<(ulong Mark, SpanReference Span)> _responses = [];
    private readonly List<(ulong Mark, SpanReference Span)> _sessions = [];

    public ReadOnlySpan<(ulong Mark, SpanReference Span)> Responses => CollectionsMarshal.AsSpan(_responses);

    public ReadOnlySpan<(ulong Mark, SpanReference Span)> Sessions => CollectionsMarshal.AsSpan(_sessions);

    public List<Evaluation> Evaluations { get; } = [];

    /// <summary>Evaluations beyond the most that are read of one request.</summary>
    public int LeftOut { get; private set; }

    public void Clear()
    {
        _responses.Clear();
        _sessions.Clear();
        Evaluations.Clear();
        LeftOut = 0;
        if (_responses.Capacity > ReferencesKept)
        {
            _responses.Capacity = ReferencesKept;
        }

        if (_sessions.Capacity > ReferencesKept)
        {
            _sessions.Capacity = ReferencesKept;
        }
    }

    public void Responded(ulong mark, in SpanReference span) => _responses.Add((mark, span));

    public void InSession(ulong mark, in SpanReference span)
    {
        // Mostly all spans of a request are of one session.
        if (_sessions.Count == 0 || _sessions[^1].Mark != mark || _sessions[^1].Span.TraceId != span.TraceId || span.IsRoot)
        {
            _sessions.Add((mark, span));
        }
    }

    public void Add(Evaluation evaluation)
    {
        if (Evaluations.Count < evaluationsMax)
        {
            Evaluations.Add(evaluation);
        }
        else
        {
            LeftOut++;
        }
    }
}
