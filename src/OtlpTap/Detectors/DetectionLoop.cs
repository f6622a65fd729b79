using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

using Recorder = OtlpTap.Recorder.Recorder;

/// <summary>Reads traces: serialized requests for spans and for logs to one run for each trace.</summary>
internal delegate IReadOnlyList<AgentRun> RunReader(ReadOnlySpan<byte> spans, ReadOnlySpan<byte> logs);

/// <summary>Told of each run that was examined, with all that is said of it, on the loop's thread.</summary>
internal delegate void ExaminedHandler(AgentRun run, IReadOnlyList<Verdict> verdicts);

/// <summary>
/// Works off the schedule: takes a quiet trace out of the recorder, reads it, has it judged, and hands on what was not said
/// before. One trace at a time, within its share of a core, and a twentieth of it while processors are scarce; who falls behind
/// lets the schedule fill up, which drops and counts.
/// </summary>
internal sealed class DetectionLoop
{
    // A mistake of the tap's shows on every trace alike.
    private const int LinesMax = 3;
    private static readonly TimeSpan LinesInterval = TimeSpan.FromMinutes(1);

    // What it takes while others want the processor counts so many times.
    private const int BusyPrice = 20;

    private readonly DetectorOptions _options;
    private readonly DetectionSchedule _schedule;
    private readonly JudgedTraces _judged;
    private readonly Recorder _recorder;
    private readonly RunReader _read;
    private readonly TraceJudge _judge;
    private readonly IVerdictSink _sink;
    private readonly ExaminedHandler _examined;
    private readonly DetectorMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<DetectionLoop> _logger;
    private readonly Bell _bell = new();

    // The loop alone, and after it whoever stops it.
    private readonly CpuBudget _budget;
    private readonly Func<bool> _isBusy;
    private readonly TraceAssembler _spans;
    private readonly TraceAssembler _logs;
    private readonly RuleMatches _rules = new();
    private readonly LogAllowance _lines;
    private Task _running = Task.CompletedTask;
    private volatile bool _stopping;

    /// <param name="isBusy">Whether processors are scarce. Asked on the loop's thread after each trace.</param>
    public DetectionLoop(
        DetectorOptions options,
        DetectionSchedule schedule,
        JudgedTraces judged,
        Recorder recorder,
        RunReader read,
        TraceJudge judge,
        IVerdictSink sink,
        DetectorMetrics metrics,
        TimeProvider time,
        ILogger<DetectionLoop> logger,
        ExaminedHandler examined,
        Func<bool> isBusy)
    {
        _isBusy = isBusy;
        _spans = new TraceAssembler(Signal.Traces, null, options.TraceBytesMax);
        _logs = new TraceAssembler(Signal.Logs, null, options.TraceBytesMax);
        _options = options;
        _schedule = schedule;
        _judged = judged;
        _recorder = recorder;
        _read = read;
        _judge = judge;
        _sink = sink;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _examined = examined;
        _budget = new CpuBudget(options.CpuShare, time);
        _lines = new LogAllowance(LinesMax, LinesInterval, time);
        schedule.Changed = _bell.Ring;
    }

    /// <summary>On a thread of its own: a trace can take a second, for which the pool would miss one of a few threads.</summary>
    public void Start() => _running = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>
    /// Examines all that wait, due or not and without a budget. What is left when <paramref name="deadline"/> is over is counted.
    /// To be called when nothing is recorded any more, and before cases are written for the last time.
    /// </summary>
    public async Task FlushAsync(TimeSpan deadline)
    {
        var started = _time.GetTimestamp();
        _stopping = true;
        _bell.Ring();
        var before = _running;
        var flushing = _running = Task.Run(async () =>
        {
            await before; // the loop, or a flush whose last trace took longer than it had
            while (_time.GetElapsedTime(started) < deadline && _schedule.TakeDue(early: true, out _) is { } traceId)
            {
                Examine(traceId);
            }
        });
        await Task.WhenAny(flushing, Task.Delay(deadline, _time));
        if (_schedule.Count is > 0 and var left)
        {
            _metrics.Dropped(DetectionDropReason.Shutdown, left);
        }
    }

    /// <summary>Examines what is due, as far as the budget goes, and returns how long until there may be more to do.</summary>
    internal TimeSpan ExamineDue()
    {
        while (!_stopping)
        {
            if (_budget.Wait() is var owed && owed > TimeSpan.Zero)
            {
                return owed;
            }

            if (_schedule.TakeDue(early: false, out var wait) is not { } traceId)
            {
                return wait;
            }

            var started = _time.GetTimestamp();
            Examine(traceId);
            var isBusy = _isBusy();
            _metrics.Scarce(isBusy);
            _budget.Spend(_time.GetElapsedTime(started) * (isBusy ? BusyPrice : 1));
        }

        return TimeSpan.Zero;
    }

    private void Run()
    {
        using var timer = _time.CreateTimer(static bell => ((Bell)bell!).Ring(), _bell, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (!_stopping)
        {
            var wait = ExamineDue();
            timer.Change(wait, Timeout.InfiniteTimeSpan);
            _bell.Wait();
        }
    }

    private void Examine(TraceId traceId)
    {
        var started = _time.GetTimestamp();
        try
        {
            ExamineTrace(traceId);
        }
        catch (Exception exception) // the edge of the loop: one bad trace must not end the examination of all others
        {
            _metrics.Dropped(DetectionDropReason.Failed);
            if (_lines.TryTake(out _))
            {
                _logger.ExaminationFailed(traceId, exception);
            }
        }

        _metrics.Examined(_time.GetElapsedTime(started));
    }

    private void ExamineTrace(TraceId traceId)
    {
        _spans.Begin(traceId);
        _logs.Begin(traceId);
        _recorder.Visit(traceId, this, static (in fragment, loop) => _ = (fragment.Signal == Signal.Logs ? loop._logs : loop._spans).TryAdd(fragment.Request));
        if (_spans.IsTooLarge || _logs.IsTooLarge)
        {
            _metrics.Dropped(DetectionDropReason.TooLarge);
            return;
        }

        if (_spans.ItemCount + _logs.ItemCount == 0)
        {
            _metrics.Dropped(DetectionDropReason.Forgotten);
            return;
        }

        var spans = _spans.Build();
        var logs = _logs.Build();
        if (!ContentMarkers.AreIn(spans) && !ContentMarkers.AreIn(logs))
        {
            return; // another trace of the same request had the content
        }

        _judged.Add(traceId);
        var byRules = new List<Verdict>();
        _rules.AddTo(byRules, _schedule.RulesFor(Signal.Traces), Signal.Traces, spans);
        _rules.AddTo(byRules, _schedule.RulesFor(Signal.Logs), Signal.Logs, logs);
        foreach (var run in _read(spans, logs))
        {
            if (run.TraceId == traceId)
            {
                Judge(run, byRules);
            }
        }
    }

    private void Judge(AgentRun run, List<Verdict> byRules)
    {
        var verdicts = _judge.Judge(run, byRules);
        foreach (var verdict in verdicts)
        {
            // What rules say was said on the way.
            if (verdict.Source != VerdictSource.Rule && _judged.IsNew(run.TraceId, verdict))
            {
                if (verdict.Origin.IsZero)
                {
                    _metrics.Found(verdict.Rule, verdict.Failure);
                }
                else
                {
                    _metrics.Propagated();
                }

                _sink.Judged(run.TraceId, verdict with { Judged = verdict.Judged ?? JudgedSpan.Of(run, verdict.SpanId) });
            }
        }

        _examined(run, verdicts);
    }
}
