using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>Hands scores of what was found to be well to all who count them.</summary>
internal sealed class ScoreHub(params IReadOnlyList<IScoreSink> sinks) : IScoreSink
{
    public void Passed(in TraceId traceId, in PassedScore score)
    {
        foreach (var sink in sinks)
        {
            sink.Passed(traceId, score);
        }
    }
}
