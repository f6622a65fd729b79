using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Pull;

/// <summary>What both backends' runs have: the judge, the cases, the state and the count.</summary>
internal sealed class PullRun(PulledJudge judge, IPulledCases cases, PullState state, IPullWatch watch, long tracesMax)
{
    public const long NanosecondsPerSecond = 1_000_000_000;

    private long _traces;
    private long _failing;
    private long _cases;
    private long _known;
    private long _missed;
    private double _share;

    public PullState State => state;

    /// <summary>As many traces were looked at as the run may.</summary>
    public bool IsFull => _traces >= tracesMax;

    public PullProgress Progress => new(_share, _traces, _failing, _cases, _known, _missed);

    public void Said(string line) => watch.Said(line);

    public void Reached(long from, long to, long position)
    {
        _share = to <= from ? 1 : Math.Clamp((position - from) / (double)(to - from), 0, 1);
        watch.Progressed(Progress);
    }

    public void Passed() => _known++;

    public void Missed(string line)
    {
        _missed++;
        watch.Said(line);
        watch.Progressed(Progress);
    }

    public async Task LookAtAsync(TraceId traceId, FetchedTrace trace, CancellationToken cancellation)
    {
        _traces++;
        if (!judge.TryJudge(traceId, trace.Spans, trace.Logs, out var verdicts, out var problem))
        {
            Missed($"trace {traceId} cannot be read: {problem}");
            return;
        }

        if (trace.IsPartial)
        {
            watch.Said($"trace {traceId}: the backend says that its answer is not whole");
        }

        _failing += verdicts.Any(static verdict => !FailureKind.IsMark(verdict.Failure)) ? 1 : 0;
        _cases += await cases.StoreAsync(traceId, trace, verdicts, cancellation) ? 1 : 0;
        watch.Progressed(Progress);
    }
}
