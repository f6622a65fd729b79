using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// Looks at all that was said of a run, by rules and detectors, and says which verdicts only repeat another:
/// returns them all, with <see cref="Verdict.Origin"/> where that is so, and marks such as <see cref="FailureKind.Recovered"/> added.
/// </summary>
internal delegate IReadOnlyList<Verdict> CauseSearch(AgentRun run, IReadOnlyList<Verdict> verdicts);

/// <summary>All detectors and the search for causes over one run: the same for the line and for <c>otlptap inspect</c>. For any thread.</summary>
internal sealed class TraceJudge(
    DetectorOptions options,
    IReadOnlyList<IDetector> detectors,
    CauseSearch? causes,
    DetectorMetrics metrics,
    TimeProvider time,
    ILogger<TraceJudge> logger,
    IScoreSink? scores = null)
{
    private readonly IDetector[] _detectors = [.. detectors.Where(detector => options.Has(detector.Name))];

    /// <summary>What is said of the run: the rules' verdicts first, then the detectors'.</summary>
    /// <param name="byRules">What the rules' conditions found on its spans and log records.</param>
    public IReadOnlyList<Verdict> Judge(AgentRun run, IReadOnlyList<Verdict> byRules)
    {
        var context = new DetectionContext(run, byRules, time, options.TraceTimeMax);
        foreach (var detector in _detectors)
        {
            if (context.IsTimeOver)
            {
                break;
            }

            Examine(detector, run, context);
        }

        if (context.IsTimeOver)
        {
            metrics.Dropped(DetectionDropReason.TimeOver);
        }

        foreach (var score in context.Passed)
        {
            scores?.Passed(run.TraceId, score);
        }

        IReadOnlyList<Verdict> all = [.. byRules, .. context.Verdicts];
        return causes is null || all.Count == 0 ? all : WithCauses(run, all);
    }

    private IReadOnlyList<Verdict> WithCauses(AgentRun run, IReadOnlyList<Verdict> all)
    {
        try
        {
            return causes!(run, all);
        }
        catch (Exception exception) // what was found stands, though nobody knows what of it only repeats another
        {
            metrics.Dropped(DetectionDropReason.Failed);
            logger.DetectorFailed("causes", run.TraceId, exception);
            return all;
        }
    }

    private void Examine(IDetector detector, AgentRun run, DetectionContext context)
    {
        context.Enter(detector);
        try
        {
            detector.Examine(run, context);
        }
        catch (Exception exception) // the edge of one check: a mistake in it must not silence the others
        {
            metrics.Dropped(DetectionDropReason.Failed);
            logger.DetectorFailed(detector.Name, run.TraceId, exception);
        }
    }
}
