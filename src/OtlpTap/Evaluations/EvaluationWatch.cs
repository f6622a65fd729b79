using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Recorder;
using OtlpTap.Spans;
using OtlpTap.Verdicts;

namespace OtlpTap.Evaluations;

/// <summary>
/// Evaluations as they come by behind the tee: each recorded request is read, for what evaluations can refer to and for
/// evaluations; a bad one becomes a verdict on the evaluated span, whether that came before it, with it or comes later.
/// <para>
/// One lock, taken by the recorder's thread for each request and by a timer each second. Bounded: the tables of references
/// (4.5 MiB), what was judged lately, and results that wait for what they speak of.
/// </para>
/// </summary>
internal sealed class EvaluationWatch : ISpanListener, IDisposable
{
    /// <summary>Spans and log records of one moment come in batches of their own, five seconds apart by the SDKs' default.</summary>
    public static readonly TimeSpan ContextPatience = TimeSpan.FromSeconds(10);

    /// <summary>A response's span comes when its call has ended, mostly before anybody can judge it; a batch that is tried again comes minutes later.</summary>
    public static readonly TimeSpan ReferencePatience = TimeSpan.FromMinutes(10);

    public const int WaitingMax = 4096;
    public const int WaitingBytesMax = 4 << 20;

    // An hour of 18 answers a second, or what half a GiB of requests holds.
    private const int ResponsesMax = 65_536;
    private const int SessionsMax = 16_384;
    private const int JudgedMax = 32_768;

    // One way or the other.
    private const Resolution Decided = Resolution.Found;
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    // A mistake of the tap's shows on every result alike.
    private const int LinesMax = 3;
    private static readonly TimeSpan LinesInterval = TimeSpan.FromMinutes(1);

    private readonly IVerdictSink _verdicts;
    private readonly IScoreSink? _scores;
    private readonly IFeedbackObserver? _people;
    private readonly EvaluationMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<EvaluationWatch>? _logger;
    private readonly ITimer _timer;

    // The recorder's thread alone.
    private readonly EvaluationFindings _findings = new(EvaluationFindings.EvaluationsMax);
    private EvaluationReader? _walking;

    // Everything below is guarded by the gate.
    private readonly Lock _gate = new();
    private EvaluationOptions _options;
    private volatile EvaluationReader _reader;
    private readonly ReferenceTable _responses = new(ResponsesMax, keepsLatestTrace: false);
    private readonly ReferenceTable _sessions = new(SessionsMax, keepsLatestTrace: true);
    private readonly TargetResolver _resolver;
    private readonly List<Waiting> _waiting = [];
    private readonly HashSet<ulong> _awaited = [];
    private readonly HashSet<ulong> _judged = [];
    private readonly Queue<ulong> _judgedInOrder = new();
    private readonly LogAllowance _lines;
    private int _waitingBytes;

    /// <param name="scores">Told of what evaluators and people found to be well, or neither.</param>
    /// <param name="people">Told of what people said, be it a verdict or not.</param>
    public EvaluationWatch(EvaluationOptions options, AgentSpanWitness witness, IVerdictSink verdicts, EvaluationMetrics metrics, TimeProvider time, ILogger<EvaluationWatch>? logger = null, IScoreSink? scores = null, IFeedbackObserver? people = null)
    {
        _scores = scores;
        _people = people;
        _logger = logger;
        _lines = new LogAllowance(LinesMax, LinesInterval, time);
        _options = options;
        _verdicts = verdicts;
        _metrics = metrics;
        _time = time;
        _reader = new EvaluationReader(options);
        _resolver = new TargetResolver(_responses, _sessions, witness);
        _timer = time.CreateTimer(static state => ((EvaluationWatch)state!).LookAtWaiting(), this, LookInterval, LookInterval);
    }

    /// <summary>Over a recorder, which knows whose span it was in which a result was written.</summary>
    public static EvaluationWatch Over(Recorder.Recorder recorder, EvaluationOptions options, IVerdictSink verdicts, EvaluationMetrics metrics, TimeProvider time, ILogger<EvaluationWatch>? logger = null, IScoreSink? scores = null, IFeedbackObserver? people = null) =>
        new(options, new RecordedContexts(recorder, time).Look, verdicts, metrics, time, logger, scores, people);

    public int WaitingCount
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Puts another configuration in force, for what comes from now on.</summary>
    public void Change(EvaluationOptions options)
    {
        lock (_gate)
        {
            if (_options != options)
            {
                _options = options;
                _reader = new EvaluationReader(options);
            }
        }
    }

    /// <summary>What something that came another way speaks of, by the responses and sessions that came by here. Any thread.</summary>
    public Resolution Resolve(in EvaluationTarget target, bool isFinal, out TraceId traceId, out SpanId spanId)
    {
        lock (_gate)
        {
            return _resolver.Resolve(target, isFinal, out traceId, out spanId);
        }
    }

    /// <summary>What a walk over spans is to watch for.</summary>
    public WatchedKeys Watched => _reader.Watched;

    /// <summary>Before a walk over a request's spans. The walk is the recorder's thread's alone.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            _walking = _options.IsEnabled ? _reader : null;
        }

        _findings.Clear();
    }

    void ISpanListener.Scope(ReadOnlySpan<byte> service, ReadOnlySpan<byte> name)
    {
        // An evaluation is one whoever wrote it.
    }

    void ISpanListener.Span(in SpanView span) => _walking?.ReadSpan(span, _findings);

    /// <summary>After the walk.</summary>
    public void End()
    {
        lock (_gate)
        {
            Take(_findings);
        }
    }

    /// <summary>A request that nobody else walks over. Not while a walk is under way.</summary>
    public void Observe(Signal signal, ReadOnlySpan<byte> request)
    {
        if (signal == Signal.Metrics)
        {
            return;
        }

        lock (_gate)
        {
            if (_options.IsEnabled)
            {
                _findings.Clear();
                _reader.Read(signal, request, _findings);
                Take(_findings);
            }
        }
    }

    /// <summary>Decides on what waited its time.</summary>
    internal void LookAtWaiting()
    {
        lock (_gate)
        {
            var now = _time.GetTimestamp();
            if (_waiting.Exists(waiting => waiting.DueAt <= now))
            {
                TryWaiting(waiting => waiting.DueAt <= now, isFinal: true);
            }
        }
    }

    /// <summary>Decides on everything that waits, for when no more comes.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            TryWaiting(static _ => true, isFinal: true);
        }
    }

    /// <summary>Sets the gauge. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        lock (_gate)
        {
            _metrics.Sampled(_waiting.Count, _responses.Forgotten + _sessions.Forgotten);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Take(EvaluationFindings findings)
    {
        if (Remember(_responses, findings.Responses) | Remember(_sessions, findings.Sessions))
        {
            TryWaiting(static _ => true, isFinal: false);
        }

        foreach (var evaluation in findings.Evaluations)
        {
            Judge(evaluation);
        }

        if (findings.LeftOut > 0)
        {
            _metrics.Dropped(EvaluationDropReason.RequestFull, findings.LeftOut);
        }
    }

    // Whether something waits for one of them.
    private bool Remember(ReferenceTable table, ReadOnlySpan<(ulong Mark, SpanReference Span)> references)
    {
        table.Prepare(references);
        var isAwaited = false;
        foreach (ref readonly var reference in references)
        {
            var mark = reference.Mark;
            table.Add(mark, reference.Span);
            isAwaited |= _awaited.Count > 0 && _awaited.Contains(mark);
        }

        return isAwaited;
    }

    private void Judge(Evaluation evaluation)
    {
        var judgement = EvaluationJudgement.Of(evaluation, _options);
        if (judgement.Failure is null && !judgement.IsOpinion)
        {
            // Nothing will be said of its span, so that it need not be known.
            if (IsFirst(evaluation, evaluation.Target.TraceId, evaluation.Target.SpanId))
            {
                Count(evaluation, judgement);
                TellPassed(evaluation, judgement);
            }

            return;
        }

        var patience = TryDecide(evaluation, judgement, isFinal: false);
        if (patience == Decided)
        {
            return;
        }

        if (_waiting.Count >= WaitingMax || _waitingBytes + evaluation.Size > WaitingBytesMax)
        {
            _metrics.Dropped(EvaluationDropReason.WaitingFull);
            return;
        }

        var due = _time.GetTimestamp() + (long)((patience == Resolution.WaitForContext ? ContextPatience : ReferencePatience).TotalSeconds * _time.TimestampFrequency);
        _waiting.Add(new Waiting(evaluation, judgement, due));
        _waitingBytes += evaluation.Size;
        Await(evaluation.Target);
    }

    /// <summary>
    /// <see cref="Decided"/>, or what is to be waited for. Nothing escapes: behind it stand a timer, whose exceptions end the
    /// process, and a list that must not be left half gone through.
    /// </summary>
    private Resolution TryDecide(Evaluation evaluation, in Judgement judgement, bool isFinal)
    {
        try
        {
            return Decide(evaluation, judgement, isFinal);
        }
        catch (Exception exception)
        {
            _metrics.Dropped(EvaluationDropReason.Failed);
            if (_lines.TryTake(out _))
            {
                _logger?.EvaluationFailed(exception);
            }

            return Decided;
        }
    }

    private Resolution Decide(Evaluation evaluation, in Judgement judgement, bool isFinal)
    {
        switch (_resolver.Resolve(evaluation.Target, isFinal, out var traceId, out var spanId))
        {
            case Resolution.Found:
                if (IsFirst(evaluation, traceId, spanId))
                {
                    Count(evaluation, judgement);
                    Tell(evaluation, judgement, traceId, spanId);
                }

                return Decided;

            case Resolution.None:
                Count(evaluation, judgement);
                TellPassed(evaluation, judgement, default, default);
                _metrics.Dropped(EvaluationDropReason.NoTarget);
                return Decided;

            case var waiting:
                return waiting;
        }
    }

    private void Tell(Evaluation evaluation, in Judgement judgement, TraceId traceId, SpanId spanId)
    {
        if (EvaluationVerdict.OpinionOf(evaluation, judgement, traceId, spanId) is { } opinion)
        {
            _people?.Said(opinion);
        }

        if (judgement.Failure is not null)
        {
            _verdicts.Judged(traceId, EvaluationVerdict.Of(evaluation, judgement, spanId));
        }
        else
        {
            TellPassed(evaluation, judgement, traceId, spanId);
        }
    }

    private void TryWaiting(Func<Waiting, bool> isTheirTurn, bool isFinal)
    {
        _awaited.Clear();
        _waitingBytes = 0;
        _waiting.RemoveAll(waiting =>
        {
            if (isTheirTurn(waiting) && TryDecide(waiting.Evaluation, waiting.Judgement, isFinal) == Decided)
            {
                return true;
            }

            _waitingBytes += waiting.Evaluation.Size;
            Await(waiting.Evaluation.Target);
            return false;
        });
    }

    private void Await(in EvaluationTarget target)
    {
        if (target.Response != 0)
        {
            _awaited.Add(target.Response);
        }

        if (target.Session != 0)
        {
            _awaited.Add(target.Session);
        }
    }

    private bool IsFirst(Evaluation evaluation, TraceId traceId, SpanId spanId)
    {
        // What names no span at all cannot be told from another one like it.
        if (traceId.IsZero)
        {
            return true;
        }

        var mark = EvaluationVerdict.MarkOf(evaluation, traceId, spanId);
        if (!_judged.Add(mark))
        {
            _metrics.Repeated();
            return false;
        }

        _judgedInOrder.Enqueue(mark);
        if (_judgedInOrder.Count > JudgedMax)
        {
            _judged.Remove(_judgedInOrder.Dequeue());
        }

        return true;
    }

    /// <summary>What was measured is half of a mean, be nothing wrong with it. What is said now of a span that is not known now is said of nobody.</summary>
    private void TellPassed(Evaluation evaluation, in Judgement judgement)
    {
        var (traceId, spanId) = (evaluation.Target.TraceId, evaluation.Target.SpanId);
        if (traceId.IsZero)
        {
            _resolver.Resolve(evaluation.Target, isFinal: true, out traceId, out spanId);
        }

        TellPassed(evaluation, judgement, traceId, spanId);
    }

    private void TellPassed(Evaluation evaluation, in Judgement judgement, TraceId traceId, SpanId spanId)
    {
        if (judgement.Failure is null && judgement.Outcome != EvaluationOutcome.EvaluatorFailed)
        {
            _scores?.Passed(traceId, new PassedScore(spanId, EvaluationVerdict.RuleOf(evaluation), judgement.Source, evaluation.Score));
        }
    }

    private void Count(Evaluation evaluation, in Judgement judgement) => _metrics.Judged(EvaluationVerdict.RuleOf(evaluation), (int)judgement.Outcome, judgement.Source);

    private readonly record struct Waiting(Evaluation Evaluation, Judgement Judgement, long DueAt);
}
