using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Detectors;
using OtlpTap.Metrics;
using OtlpTap.Pull;

namespace OtlpTap.Hosting;

/// <summary>What is fetched from backends while the tap runs: the schedules, and traces of late verdicts.</summary>
internal sealed class PullSetup : IDisposable
{
    private readonly PullSchedule[] _schedules;
    private readonly LateTraces? _late;

    public PullSetup(TapOptions options, CaptureScheduler scheduler, CaptureLoop captures, TapMetrics metrics, TimeProvider time, ILoggerFactory logs)
    {
        var processor = options.Processor;
        PullOptions?[] sources = [processor.PullTempo, processor.PullLoki];
        var cases = new CaptureQueue(scheduler);
        _schedules = [.. sources.OfType<PullOptions>().Where(source => source.Query.Length > 0).Select(source => new PullSchedule(
            source,
            processor.CorpusDirectory,
            () => new PulledJudge(options.Rules, processor.Detectors, processor.Evaluations, time, logs.CreateLogger<TraceJudge>()),
            cases,
            metrics.Pull,
            time,
            logs.CreateLogger<PullSchedule>()))];
        if (processor.PullTempo is { } tempo)
        {
            _late = new LateTraces(tempo, scheduler, metrics.Corpus, metrics.Pull, time, logs.CreateLogger<LateTraces>());
            captures.Elsewhere = _late.TryFetch;
        }
    }

    /// <summary>Whether a trace that the recorder does not have may still become a case.</summary>
    public bool FetchesLateTraces => _late is not null;

    public void Start()
    {
        _late?.Start();
        foreach (var schedule in _schedules)
        {
            schedule.Start();
        }
    }

    public Task StopAsync() => Task.WhenAll([.. _schedules.Select(schedule => schedule.StopAsync()), _late?.StopAsync() ?? Task.CompletedTask]);

    public void PublishMetrics() => _late?.PublishMetrics();

    public void Dispose()
    {
        foreach (var schedule in _schedules)
        {
            schedule.Dispose();
        }

        _late?.Dispose();
    }
}
