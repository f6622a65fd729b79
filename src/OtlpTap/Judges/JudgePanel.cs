using OtlpTap.Metrics;
using OtlpTap.Runs;
using OtlpTap.Verdicts;
using Prometheus;

namespace OtlpTap.Judges;

/// <summary>All evaluators outside the tap. Offered every run that was examined, after the detectors; for any thread.</summary>
internal sealed class JudgePanel : IDisposable
{
    private readonly ExternalJudge[] _judges;

    /// <param name="verdicts">Told of what they find, by their own threads.</param>
    /// <param name="scores">Told of what they measured of runs that they found to be well.</param>
    public JudgePanel(IReadOnlyList<JudgeOptions> judges, IVerdictSink verdicts, IScoreSink scores, IMetricFactory metrics, TimeProvider time, ILogger<JudgePanel> logger) =>
        _judges = [.. judges.Select(options => new ExternalJudge(options, verdicts, scores, new JudgeMetrics(metrics, options.Name), time, logger))];

    /// <param name="verdicts">What rules and detectors have found in it.</param>
    public void Offer(AgentRun run, IReadOnlyList<Verdict> verdicts)
    {
        if (_judges.Length == 0)
        {
            return;
        }

        var isFailing = verdicts.Any(verdict => !FailureKind.IsMark(verdict.Failure));
        foreach (var judge in _judges)
        {
            judge.Offer(run, isFailing);
        }
    }

    /// <inheritdoc cref="ExternalJudge.DrainAsync"/>
    public Task DrainAsync(CancellationToken deadline) => Task.WhenAll(_judges.Select(judge => judge.DrainAsync(deadline)));

    public void Dispose()
    {
        foreach (var judge in _judges)
        {
            judge.Dispose();
        }
    }

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        foreach (var judge in _judges)
        {
            judge.PublishMetrics();
        }
    }
}
