using OtlpTap.Evaluations;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Feedback;

/// <summary>Finds what an opinion speaks of; <see cref="EvaluationWatch.Resolve"/>.</summary>
internal delegate Resolution FindTarget(in EvaluationTarget target, bool isFinal, out TraceId traceId, out SpanId spanId);

/// <summary>
/// Takes what people say of answers, by the endpoint: each opinion once, whether it is sent again or changed. What it speaks of is
/// found by trace, response or session, also when that comes later; then its observers are told, and of a verdict where it is
/// negative or positive. Any thread. Bounded: what was said lately, what waits, and each sender's share.
/// </summary>
internal sealed class ExplicitFeedback : IDisposable
{
    /// <summary>A trace's spans come in a batch, five seconds after the answer by the SDKs' default; its user may be faster.</summary>
    public static readonly TimeSpan TracePatience = EvaluationWatch.ContextPatience;

    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Func<ExplicitFeedbackOptions> _options;
    private readonly FindTarget _find;
    private readonly Func<TraceId, bool> _isRecorded;
    private readonly FeedbackTeller _teller;
    private readonly FeedbackMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<ExplicitFeedback> _logger;
    private readonly SenderLimits _senders;
    private readonly ITimer _timer;

    // Everything below is guarded by the gate. What is told is told outside of it.
    private readonly Lock _gate = new();
    private readonly FeedbackIdentity _identity = new();
    private readonly FeedbackPrivacy _privacy;
    private readonly RecentFeedback _recent;
    private readonly WaitingFeedback _waiting = new();

    /// <param name="options">As they are at this moment: a reload changes them.</param>
    /// <param name="isRecorded">Whether anything of a trace is in the recorder.</param>
    public ExplicitFeedback(
        Func<ExplicitFeedbackOptions> options, FindTarget find, Func<TraceId, bool> isRecorded, FeedbackTeller teller, FeedbackPrivacy privacy, FeedbackMetrics metrics, TimeProvider time, ILogger<ExplicitFeedback> logger)
    {
        _options = options;
        _find = find;
        _isRecorded = isRecorded;
        _teller = teller;
        _privacy = privacy;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _senders = new SenderLimits(time);
        _recent = new RecentFeedback(time);
        _timer = time.CreateTimer(static state => ((ExplicitFeedback)state!).LookAtWaiting(), this, LookInterval, LookInterval);
    }

    /// <param name="json">The body, decompressed.</param>
    /// <param name="sender">Who posts, for the limit alone.</param>
    public FeedbackAnswer Take(ReadOnlySpan<byte> json, string sender)
    {
        var options = _options();
        var limit = _senders.Take(sender, options.PerMinuteMax, options.TotalPerMinuteMax, out var retryAfter);
        if (limit != FeedbackLimit.None)
        {
            _metrics.Rejected(limit == FeedbackLimit.Sender ? FeedbackRejection.Limited : FeedbackRejection.LimitedAll);
            return new FeedbackAnswer { Limit = limit, RetryAfter = retryAfter };
        }

        var problems = new FeedbackProblems();
        var items = FeedbackReader.Read(json, options.ItemsMax, problems);
        if (problems.Any)
        {
            _metrics.Rejected(FeedbackRejection.Invalid);
            return new FeedbackAnswer { Problems = problems.Texts };
        }

        _senders.Charge(sender, items.Count - 1, options.PerMinuteMax);
        return new FeedbackAnswer { Taken = [.. items.Select(item => Take(item, FeedbackScale.ValueOf(item, options)))] };
    }

    /// <summary>Decides on everything that waits, for when no more comes.</summary>
    public void Finish() => LookAt(isTheEnd: true);

    /// <summary>Sets the gauge. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        lock (_gate)
        {
            _metrics.WaitingSampled(_waiting.Count, _recent.Forgotten);
        }
    }

    public void Dispose() => _timer.Dispose();

    private (string Id, string Status) Take(FeedbackItem item, OpinionValue value)
    {
        PendingFeedback pending;
        FeedbackNovelty novelty;
        lock (_gate)
        {
            var (id, mark, content) = _identity.Of(item);
            novelty = _recent.Look(mark, content, value, item.Id is null ? RecentFeedback.ContentWindow : RecentFeedback.IdWindow, out var before);
            if (novelty == FeedbackNovelty.Repeated)
            {
                _metrics.Taken(FeedbackStatus.Repeated);
                return (id, "repeated");
            }

            // Of one that still waits nobody was told.
            var isTold = novelty == FeedbackNovelty.Changed && !_waiting.Remove(mark);
            pending = new PendingFeedback(mark, Told(item, id), value, isTold ? before : null);
        }

        var resolution = Resolve(pending, isFinal: false, out var traceId, out var spanId);
        if (resolution == Resolution.Found)
        {
            _teller.Tell(pending, traceId, spanId);
        }
        else
        {
            Wait(pending, resolution == Resolution.WaitForContext ? TracePatience : EvaluationWatch.ReferencePatience);
        }

        var status = resolution == Resolution.WaitForReference ? FeedbackStatus.Unresolved : novelty == FeedbackNovelty.Changed ? FeedbackStatus.Changed : FeedbackStatus.Accepted;
        _metrics.Taken(status);
        return (pending.Item.Id!, status switch { FeedbackStatus.Unresolved => "unresolved", FeedbackStatus.Changed => "changed", _ => "accepted" });
    }

    // As it may be told, kept and written: nothing of what it was goes further.
    private FeedbackItem Told(FeedbackItem item, string id) => item with
    {
        Id = id,
        Label = item.Form == FeedbackForm.Label ? _privacy.Text(item.Label) : item.Label,
        Comment = _privacy.Text(item.Comment),
        User = null,
        UserAttribute = _privacy.User(item.User),
    };

    private Resolution Resolve(PendingFeedback pending, bool isFinal, out TraceId traceId, out SpanId spanId)
    {
        var item = pending.Item;
        (traceId, spanId) = (item.TraceId, item.SpanId);
        return traceId.IsZero ? _find(pending.Target, isFinal, out traceId, out spanId)
            : isFinal || _isRecorded(traceId) ? Resolution.Found
            : Resolution.WaitForContext;
    }

    private void Wait(PendingFeedback pending, TimeSpan patience)
    {
        int dropped;
        lock (_gate)
        {
            dropped = _waiting.Add(pending, _time.GetTimestamp() + (long)(patience.TotalSeconds * _time.TimestampFrequency));
        }

        _metrics.Dropped(FeedbackDropReason.WaitingFull, dropped);
    }

    private void LookAtWaiting()
    {
        try
        {
            LookAt(isTheEnd: false);
        }
        catch (Exception exception) // the edge of a timer: what escapes it ends the process
        {
            _metrics.Failed();
            _logger.WaitingFailed(exception);
        }
    }

    private void LookAt(bool isTheEnd)
    {
        var now = _time.GetTimestamp();
        List<(PendingFeedback Pending, TraceId TraceId, SpanId SpanId)> found = [];
        lock (_gate)
        {
            _waiting.RemoveAll((pending, dueAt) =>
            {
                var isFinal = isTheEnd || dueAt <= now;
                switch (Resolve(pending, isFinal, out var traceId, out var spanId))
                {
                    case Resolution.Found:
                        found.Add((pending, traceId, spanId));
                        return true;
                    case Resolution.None:
                        _metrics.Dropped(FeedbackDropReason.NoTarget);
                        return true;
                    default:
                        return isFinal;
                }
            });
        }

        foreach (var (pending, traceId, spanId) in found)
        {
            _teller.Tell(pending, traceId, spanId);
        }
    }
}
