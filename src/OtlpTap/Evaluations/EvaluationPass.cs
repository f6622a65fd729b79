using System.Numerics;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Evaluations;

/// <summary>All evaluations of what is there as a whole: payloads from files. Nothing is waited for.</summary>
internal static class EvaluationPass
{
    // Some GB of evaluations; files are the user's own.
    private const int EvaluationsMax = 1 << 20;
    private const int PlacesMax = 1 << 22;

    /// <param name="spans">A serialized <c>ExportTraceServiceRequest</c> of any number of traces; several concatenated are one.</param>
    /// <param name="logs">A serialized <c>ExportLogsServiceRequest</c>; may be empty.</param>
    /// <returns>In the order in which the results stand there, each once.</returns>
    public static IReadOnlyList<(TraceId TraceId, Verdict Verdict)> Read(ReadOnlyMemory<byte> spans, ReadOnlyMemory<byte> logs, EvaluationOptions options)
    {
        var verdicts = new List<(TraceId, Verdict)>();
        if (!options.IsEnabled)
        {
            return verdicts;
        }

        var findings = new EvaluationFindings(EvaluationsMax);
        var reader = new EvaluationReader(options);
        reader.Read(Signal.Traces, spans.Span, findings);
        reader.Read(Signal.Logs, logs.Span, findings);

        var responses = Table(findings.Responses, keepsLatestTrace: false);
        var sessions = Table(findings.Sessions, keepsLatestTrace: true);
        var resolver = new TargetResolver(responses, sessions, (traceId, spanId) => AgentSpanSearch.Find(spans.Span, traceId, spanId));
        var known = new HashSet<ulong>();
        foreach (var evaluation in findings.Evaluations)
        {
            var judgement = EvaluationJudgement.Of(evaluation, options);
            if (judgement.Failure is not null
                && resolver.Resolve(evaluation.Target, isFinal: true, out var traceId, out var spanId) == Resolution.Found
                && known.Add(EvaluationVerdict.MarkOf(evaluation, traceId, spanId)))
            {
                verdicts.Add((traceId, EvaluationVerdict.Of(evaluation, judgement, spanId)));
            }
        }

        return verdicts;
    }

    private static ReferenceTable Table(ReadOnlySpan<(ulong Mark, SpanReference Span)> references, bool keepsLatestTrace)
    {
        var places = (int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)Math.Max(64, references.Length * 4)), PlacesMax);
        var table = new ReferenceTable(places, keepsLatestTrace);
        foreach (var (mark, span) in references)
        {
            table.Add(mark, span);
        }

        return table;
    }
}
