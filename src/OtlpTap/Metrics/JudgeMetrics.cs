using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why a run that was in the sample is not asked about.</summary>
internal enum JudgeSkipReason
{
    /// <summary>The minute's questions are asked.</summary>
    Budget,

    /// <summary>As many bytes of questions wait as may.</summary>
    QueueFull,

    /// <summary>It cannot be cut to the size of a question.</summary>
    TooLarge,

    /// <summary>The evaluator has asked to be left alone for a while.</summary>
    RateLimited,

    /// <summary>The run has no answer, or none was recorded.</summary>
    NoAnswer,

    /// <summary>The tap went down first.</summary>
    Shutdown,

    /// <summary>A mistake of ours; the log says which.</summary>
    Internal,
}

/// <summary>Why a question has no answer that could be used.</summary>
internal enum JudgeFailReason
{
    Timeout,
    Connection,

    /// <summary>The file of the key cannot be read.</summary>
    NoCredential,
    RateLimited,

    /// <summary>Any other status than success, redirects among them.</summary>
    HttpStatus,
    AnswerTooLarge,

    /// <summary>No JSON, or not of the form that was asked for.</summary>
    Malformed,

    /// <summary>A score that is no number from 0 to 1.</summary>
    AbsurdScore,

    /// <summary>Neither a known label nor a score.</summary>
    Undecided,

    /// <summary>A mistake of ours; the log says which.</summary>
    Internal,
}

/// <summary>Evaluators outside the tap: what they are asked, what they cost, what they find. The label is a configured name.</summary>
internal sealed class JudgeMetrics
{
    private static readonly string[] SkipReasons = ["budget", "queue_full", "too_large", "rate_limited", "no_answer", "shutdown", "internal"];
    private static readonly string[] FailReasons = ["timeout", "connection", "no_credential", "rate_limited", "http_status", "answer_too_large", "malformed", "absurd_score", "undecided", "internal"];

    private readonly Counter.Child _asked;
    private readonly Counter.Child _verdicts;
    private readonly Counter.Child[] _skipped;
    private readonly Counter.Child[] _failed;
    private readonly Histogram.Child _seconds;
    private readonly Gauge.Child _waiting;

    public JudgeMetrics(IMetricFactory factory, string judge)
    {
        _asked = factory.CreateCounter("otlptap_judge_questions_total", "Questions that were sent to an outside evaluator.", ["judge"]).WithLabels(judge);
        _verdicts = factory.CreateCounter("otlptap_judge_verdicts_total", "Failures that an outside evaluator has found.", ["judge"]).WithLabels(judge);
        var skipped = factory.CreateCounter("otlptap_judge_skipped_runs_total", "Runs of the sample that an outside evaluator was not asked about.", ["judge", "reason"]);
        _skipped = [.. SkipReasons.Select(reason => skipped.WithLabels(judge, reason))];
        var failed = factory.CreateCounter("otlptap_judge_failed_questions_total", "Questions without a usable answer, and single findings of an answer that could not be used.", ["judge", "reason"]);
        _failed = [.. FailReasons.Select(reason => failed.WithLabels(judge, reason))];
        _seconds = factory.CreateHistogram(
            "otlptap_judge_question_seconds",
            "Time from a question to its answer, or to its end without one.",
            ["judge"],
            new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.05, 2, 12) }).WithLabels(judge);
        _waiting = factory.CreateGauge("otlptap_judge_waiting_bytes", "Bytes of questions that wait to be asked or answered.", ["judge"]).WithLabels(judge);
    }

    public void Asked() => _asked.Inc();

    public void Answered(TimeSpan duration) => _seconds.Observe(duration.TotalSeconds);

    public void Found(int verdicts) => _verdicts.Inc(verdicts);

    public void Skipped(JudgeSkipReason reason) => _skipped[(int)reason].Inc();

    public void Failed(JudgeFailReason reason) => _failed[(int)reason].Inc();

    public void Sampled(long waitingBytes) => _waiting.Set(waitingBytes);
}
