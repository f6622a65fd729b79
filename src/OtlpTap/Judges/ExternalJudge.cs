using System.Threading.Channels;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Judges;

/// <summary>
/// One evaluator outside the tap. A run of the sample is written down as a question where it is offered, and asked about by
/// workers of the judge's own: however slow it is, nobody waits for it. What goes wrong is counted, and is no verdict.
/// </summary>
internal sealed class ExternalJudge : IDisposable
{
    /// <summary>Questions that wait; the run itself is let go.</summary>
    public const long QueueBytesMax = 16L << 20;

    private const int AskedMax = 65_536;

    /// <summary>An evaluator that asks for more is asked again all the same.</summary>
    public static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(10);

    private readonly JudgeOptions _options;
    private readonly IVerdictSink _verdicts;
    private readonly IScoreSink _scores;
    private readonly JudgeMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IQuestionForm _form;
    private readonly JudgeConnection _connection;
    private readonly MinuteBudget _budget;
    private readonly AskedTraces _asked = new(AskedMax);
    private readonly ByteBudget _waiting = new(QueueBytesMax);
    private readonly Channel<Question> _queue = Channel.CreateUnbounded<Question>();
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _asking;
    private volatile bool _isDraining;
    private int _isFailing;
    private long _pausedUntil;

    public ExternalJudge(JudgeOptions options, IVerdictSink verdicts, IScoreSink scores, JudgeMetrics metrics, TimeProvider time, ILogger logger)
    {
        _options = options;
        _verdicts = verdicts;
        _scores = scores;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _form = options.Chat is { } chat ? new ChatQuestion(chat, options.Failure) : new RunQuestion(options.Failure);
        _connection = new JudgeConnection(options, time, logger);
        _budget = new MinuteBudget(options.BudgetPerMinute, time);
        _asking = Task.WhenAll(Enumerable.Range(0, options.Concurrency).Select(_ => Task.Run(AskAllAsync)));
    }

    /// <summary>Whether the trace is in the judge's share: the same traces in every tap, and in a larger share all of a smaller one.</summary>
    public static bool IsSampled(in TraceId traceId, double share)
    {
        // Ids are random as a rule; where they count up, mixing (the finalizer of MurmurHash3) makes them so.
        var hash = traceId.High ^ traceId.Low;
        hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
        hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
        hash ^= hash >> 33;
        return (hash >> 11) * (1.0 / (1UL << 53)) < share;
    }

    /// <summary>Does not wait. A run is asked about once, however often it is offered.</summary>
    /// <param name="isFailing">A rule or a detector has found a failure in it.</param>
    public void Offer(AgentRun run, bool isFailing)
    {
        if (!IsSampled(run.TraceId, _options.Sample) || (_options.OnlyFailing && !isFailing) || _asked.Contains(run.TraceId))
        {
            return;
        }

        if (TryWrite(run, out var question, out var reason))
        {
            if (!_asked.TryAdd(run.TraceId))
            {
                _waiting.Return(question.Body.Length);
                return;
            }

            if (_queue.Writer.TryWrite(question))
            {
                return;
            }

            _waiting.Return(question.Body.Length);
            reason = JudgeSkipReason.Shutdown;
        }

        _metrics.Skipped(reason);
    }

    /// <summary>What is being asked gets its answer; what waits is left.</summary>
    public async Task DrainAsync(CancellationToken deadline)
    {
        _isDraining = true;
        _queue.Writer.TryComplete();
        await using var ending = deadline.UnsafeRegister(static ending => ((CancellationTokenSource)ending!).Cancel(), _ending);
        await _asking;
    }

    /// <summary>After it was drained.</summary>
    public void Dispose()
    {
        _connection.Dispose();
        _ending.Dispose();
    }

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics() => _metrics.Sampled(_waiting.TakenBytes);

    // The cheap questions first: over its budget a judge costs no more than them.
    private bool TryWrite(AgentRun run, out Question question, out JudgeSkipReason reason)
    {
        question = default;
        if (string.IsNullOrWhiteSpace(run.FinalAnswer))
        {
            reason = JudgeSkipReason.NoAnswer;
            return false;
        }

        if (IsPaused)
        {
            reason = JudgeSkipReason.RateLimited;
            return false;
        }

        if (!_budget.HasRoom)
        {
            reason = JudgeSkipReason.Budget;
            return false;
        }

        if (_waiting.TakenBytes + _options.RequestBytesMax > QueueBytesMax)
        {
            reason = JudgeSkipReason.QueueFull;
            return false;
        }

        var body = Write(run, out reason);
        if (body is null)
        {
            return false;
        }

        if (!_waiting.TryTake(body.Length))
        {
            reason = JudgeSkipReason.QueueFull;
            return false;
        }

        question = new Question(run.TraceId, Judged(run), body);
        return true;
    }

    private byte[]? Write(AgentRun run, out JudgeSkipReason reason)
    {
        reason = JudgeSkipReason.TooLarge;
        try
        {
            return _form.Write(run, _options.RequestBytesMax);
        }
        catch (Exception exception) // who offers has other work: a mistake with one run's content must not end it
        {
            _logger.Faulted(_options.Name, exception);
            reason = JudgeSkipReason.Internal;
            return null;
        }
    }

    private bool IsPaused => Volatile.Read(ref _pausedUntil) is var until && until != 0 && _time.GetUtcNow().UtcTicks < until;

    private static JudgedSpan Judged(AgentRun run) =>
        run.AnsweringStep is { } step ? JudgedSpan.Of(step) : new JudgedSpan(default, "", 0, null);

    private async Task AskAllAsync()
    {
        await foreach (var question in _queue.Reader.ReadAllAsync())
        {
            if (_isDraining)
            {
                _metrics.Skipped(JudgeSkipReason.Shutdown);
            }
            else if (IsPaused)
            {
                _metrics.Skipped(JudgeSkipReason.RateLimited);
            }
            else if (!_budget.TryTake())
            {
                _metrics.Skipped(JudgeSkipReason.Budget);
            }
            else
            {
                await AskAsync(question);
            }

            _waiting.Return(question.Body.Length);
        }
    }

    private async Task AskAsync(Question question)
    {
        var started = _time.GetTimestamp();
        _metrics.Asked();
        try
        {
            var reply = await _connection.AskAsync(question.Body, _ending.Token);
            var duration = _time.GetElapsedTime(started);
            Take(question, reply);
            _metrics.Answered(duration);
        }
        catch (OperationCanceledException)
        {
            _metrics.Skipped(JudgeSkipReason.Shutdown);
        }
        catch (Exception exception) // the edge of the loop: one answer must not end the asking
        {
            _metrics.Failed(JudgeFailReason.Internal);
            _logger.Faulted(_options.Name, exception);
        }
    }

    private void Take(Question question, JudgeReply reply)
    {
        if (reply.RetryAfter is { } pause && pause > TimeSpan.Zero)
        {
            Volatile.Write(ref _pausedUntil, (_time.GetUtcNow() + (pause < PauseMax ? pause : PauseMax)).UtcTicks);
        }

        if (reply.Failure is { } failure)
        {
            Failed(failure, reply.Cause);
            return;
        }

        var answer = _form.Read(reply.Body);
        if (answer.Problem is { } problem)
        {
            var (reason, cause) = problem switch
            {
                JudgeProblem.AbsurdScore => (JudgeFailReason.AbsurdScore, "a score is no number from 0 to 1"),
                JudgeProblem.Undecided => (JudgeFailReason.Undecided, "neither a known label nor a score"),
                _ => (JudgeFailReason.Malformed, "not JSON of the form that was asked for"),
            };
            Failed(reason, cause);
        }
        else if (Interlocked.Exchange(ref _isFailing, 0) == 1)
        {
            _logger.AnswersAgain(_options.Name);
        }

        foreach (var finding in answer.Verdicts)
        {
            _verdicts.Judged(question.TraceId, new Verdict(question.Judged.SpanId, finding.Failure, _options.Name, VerdictSource.Judge)
            {
                Score = finding.Score,
                Label = finding.Label,
                Explanation = finding.Explanation,
                Evidence = finding.Evidence,
                Judged = question.Judged,
            });
        }

        if (answer is { Verdicts.Count: 0, Problem: null })
        {
            _scores.Passed(question.TraceId, new PassedScore(question.Judged.SpanId, _options.Name, VerdictSource.Judge, answer.Score) { Judged = question.Judged });
        }

        _metrics.Found(answer.Verdicts.Count);
    }

    private void Failed(JudgeFailReason reason, string cause)
    {
        _metrics.Failed(reason);
        if (Interlocked.Exchange(ref _isFailing, 1) == 0)
        {
            _logger.NoAnswer(_options.Name, cause);
        }
    }

    private readonly record struct Question(TraceId TraceId, JudgedSpan Judged, byte[] Body);
}
