using OtlpTap.Announce;
using OtlpTap.Buffers;
using OtlpTap.Cli;
using OtlpTap.Configuration;
using OtlpTap.Evaluations;
using OtlpTap.Judges;
using OtlpTap.Metrics;
using OtlpTap.Runs;
using OtlpTap.Tee;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

/// <summary>
/// All that looks at what is recorded and at what users say. What any of it finds goes to the cases, to health and advice,
/// and back to the backend.
/// </summary>
internal sealed class FindingSetup : IDisposable
{
    private readonly Announcer _announcer;
    private readonly EvaluationWatch _evaluations;
    private readonly SpanReading _spans;
    private readonly DetectionSetup _detection;
    private readonly TimeProvider _time;

    /// <param name="options">As they are at this moment: a reload changes some.</param>
    /// <param name="targets">The exporters that verdicts go back by, at this moment.</param>
    public FindingSetup(Func<TapOptions> options, AnnounceTargets targets, RecorderSetup recording, PayloadPool payloads, TapMetrics metrics, TimeProvider time, ILoggerFactory logs)
    {
        _time = time;
        var processor = options().Processor;
        _announcer = new Announcer(() => options().Processor.Verdicts, targets, VersionCommand.Version, payloads, metrics.Announce, time, logs.CreateLogger<Announcer>());
        Health = new HealthSetup(processor.Health, metrics, time);
        Advice = new AdviceSetup(processor.Advice, Health.Windows, _announcer, metrics, time, logs);
        Health.Tell(Advice.Outcomes);

        // Who is told.
        var spans = new JudgedSpanSearch(recording.Recorder, Health.Owners, time);
        Verdicts = new VerdictHub(recording.Scheduler, spans, _announcer, Health.Windows, Advice.Outcomes);
        var scores = new ScoreHub(Health.Windows, Advice.Outcomes);
        var opinions = new OpinionHub(spans, metrics.Feedback, _announcer);

        // Who finds.
        _evaluations = EvaluationWatch.Over(recording.Recorder, processor.Evaluations, Verdicts, metrics.Evaluations, time, logs.CreateLogger<EvaluationWatch>(), scores, opinions);
        _spans = new SpanReading(_evaluations, Health.Steps);
        Judges = new JudgePanel(processor.Judges, Verdicts, scores, metrics.Factory, time, logs.CreateLogger<JudgePanel>());
        Feedback = new FeedbackSetup(options, _evaluations, spans, Verdicts, scores, opinions, metrics.Feedback, time, logs);
        _detection = new DetectionSetup(processor.Detectors, recording.Recorder, Verdicts, Examined, metrics.Detectors, time, logs, scores);
    }

    public HealthSetup Health { get; }

    public AdviceSetup Advice { get; }

    public FeedbackSetup Feedback { get; }

    public JudgePanel Judges { get; }

    /// <summary>Takes verdicts that no inline rule made.</summary>
    public VerdictHub Verdicts { get; }

    /// <summary>What is done with a request once it is recorded, on the recorder's thread.</summary>
    public void Recorded(in TeeItem item)
    {
        _detection.Recorded(item);
        _spans.Recorded(item);
    }

    public void Start() => _detection.Start();

    /// <summary>A reload.</summary>
    public void Change(TapProcessorOptions next)
    {
        Advice.Engine.Change(next.Advice);
        _evaluations.Change(next.Evaluations);
    }

    /// <summary>
    /// What detectors have not seen yet, answers that judges owe, then what the backend is to be told, while there are exporters: half of the time that is left,
    /// the requests in the exporters' queues need the other half. Where senders took all of it, half a second: whoever asked the tap to stop does not wait longer.
    /// </summary>
    public async Task TellAsync(TimeSpan left)
    {
        var least = TimeSpan.FromSeconds(0.5);
        var half = left / 2 > least ? left / 2 : least;
        using var judging = new CancellationTokenSource(half / 2, _time);
        using var telling = new CancellationTokenSource(half, _time);
        await _detection.FlushAsync(half / 4);
        await Judges.DrainAsync(judging.Token);
        Advice.Engine.End();
        Feedback.Finish();
        await _announcer.DrainAsync(telling.Token);
    }

    /// <summary>Nothing is recorded any more: what is found in the last requests is for the cases alone.</summary>
    public Task FinishAsync()
    {
        _evaluations.Finish();
        return _detection.FlushAsync(TimeSpan.FromSeconds(1));
    }

    /// <summary>Before each scrape.</summary>
    public void PublishMetrics()
    {
        _detection.PublishMetrics();
        Feedback.PublishMetrics();
        Health.PublishMetrics();
        Advice.PublishMetrics();
        _announcer.PublishMetrics();
        Judges.PublishMetrics();
        _evaluations.PublishMetrics();
    }

    public void Dispose()
    {
        _announcer.Dispose();
        Judges.Dispose();
        _evaluations.Dispose();
        Feedback.Dispose();
        Advice.Dispose();
    }

    /// <summary>What is done with a run once detectors have seen it, on their thread.</summary>
    private void Examined(AgentRun run, IReadOnlyList<Verdict> verdicts)
    {
        Judges.Offer(run, verdicts);
        Feedback.Examined(run, verdicts);
    }
}
