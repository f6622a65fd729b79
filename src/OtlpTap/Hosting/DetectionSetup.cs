using OtlpTap.Detectors;
using OtlpTap.Metrics;
using OtlpTap.Runs;
using OtlpTap.Tee;
using OtlpTap.Verdicts;

namespace OtlpTap.Hosting;

using Recorder = OtlpTap.Recorder.Recorder;

/// <summary>Checks of whole traces: their schedule and the loop that works it off.</summary>
internal sealed class DetectionSetup
{
    private readonly DetectorOptions _options;
    private readonly DetectionSchedule _schedule;
    private readonly DetectionLoop _loop;
    private readonly ProcessorWait _wait = new(ProcessorWait.OfThisThread);
    private readonly IdleProcessors _idle;

    public DetectionSetup(DetectorOptions options, Recorder recorder, IVerdictSink verdicts, ExaminedHandler examined, DetectorMetrics metrics, TimeProvider time, ILoggerFactory logs, IScoreSink scores)
    {
        _options = options;
        _idle = new IdleProcessors(IdleProcessors.OfThisMachine, static () => Environment.CpuUsage.TotalTime, Environment.ProcessorCount, time);
        var judged = new JudgedTraces(options.JudgedMax);
        _schedule = new DetectionSchedule(options, judged, metrics, time);
        var judge = new TraceJudge(options, DetectorSet.All(options, time), CauseAnalysis.Find, metrics, time, logs.CreateLogger<TraceJudge>(), scores);
        _loop = new DetectionLoop(
            options, _schedule, judged, recorder, static (spans, logs) => AgentRunReader.Read(spans, logs, RunLimits.Default), judge, verdicts, metrics, time,
            logs.CreateLogger<DetectionLoop>(), examined, AreProcessorsScarce);
    }

    /// <summary>See <see cref="OtlpTap.Recorder.RecordedHandler"/>.</summary>
    public void Recorded(in TeeItem item)
    {
        if (_options.IsEnabled)
        {
            _schedule.Recorded(item);
        }
    }

    public void Start() => _loop.Start();

    /// <inheritdoc cref="DetectionLoop.FlushAsync"/>
    public Task FlushAsync(TimeSpan deadline) => _loop.FlushAsync(deadline);

    /// <inheritdoc cref="DetectionSchedule.PublishMetrics"/>
    public void PublishMetrics() => _schedule.PublishMetrics();

    // Each is asked, for each tells of the time since it was asked last. A container that may use less than a whole processor shows in the first alone.
    private bool AreProcessorsScarce() => _wait.IsLong() | _idle.AreFew() | (ThreadPool.PendingWorkItemCount > 0);
}
