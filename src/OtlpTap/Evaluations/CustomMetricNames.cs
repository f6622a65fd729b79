using System.Text;
using OtlpTap.Spans;

namespace OtlpTap.Evaluations;

/// <summary>
/// Attributes that are named after a metric and hold its score: those that the operator names, and on spans of Traceloop
/// (<c>reportCustomMetric</c>) the names that can only be evaluations.
/// </summary>
internal sealed class CustomMetricNames
{
    private static readonly string[] Telling = ["hallucination", "hallucination_score", "faithfulness", "groundedness", "factuality", "answer_relevancy", "context_precision", "context_recall", "toxicity", "user_feedback"];

    private readonly byte[][] _names;
    private readonly HashSet<string> _own;
    private readonly ulong _lengths;

    public CustomMetricNames(EvaluationOptions options)
    {
        _own = [.. options.Metrics.Keys];
        _names = [.. _own.Concat(Telling).Distinct().Select(Encoding.UTF8.GetBytes)];
        foreach (var name in _names)
        {
            _lengths |= 1UL << Math.Min(name.Length, 63);
        }
    }

    public IEnumerable<string> Names => _names.Select(Encoding.UTF8.GetString);

    /// <summary>Of those that a frame of a span has anyhow.</summary>
    public int[] Places => [.. _names.Select(name => SpanKeys.Table.Find(name)).Where(place => place >= 0)];

    public bool Contains(ReadOnlySpan<byte> key)
    {
        if ((_lengths & (1UL << Math.Min(key.Length, 63))) == 0)
        {
            return false;
        }

        foreach (var name in _names)
        {
            if (key.SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }

    public IEnumerable<string> In(Attributes attributes)
    {
        var isTraceloop = attributes.All.Any(attribute => attribute.Key.StartsWith("traceloop.", StringComparison.Ordinal));
        return _own.Concat(isTraceloop ? Telling : []).Distinct().Where(attributes.Has);
    }
}
