using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>Why a post of feedback was turned away.</summary>
internal enum FeedbackRejection
{
    /// <summary>No valid feedback: the answer says which members.</summary>
    Invalid,

    /// <summary>Its sender posts more than it may.</summary>
    Limited,

    /// <summary>All senders together post more than they may.</summary>
    LimitedAll,

    /// <summary>Not a POST, or of a content type or encoding that is not taken.</summary>
    Unsupported,
    TooLarge,

    /// <summary>No room among the bytes in flight.</summary>
    Busy,

    /// <summary>It came too slowly.</summary>
    TooSlow,
}

/// <summary>What became of feedback that was taken.</summary>
internal enum FeedbackStatus
{
    Accepted,
    Changed,
    Repeated,
    Unresolved,
}

/// <summary>Why feedback that was taken was not told.</summary>
internal enum FeedbackDropReason
{
    /// <summary>The response or session that it names never came.</summary>
    NoTarget,

    /// <summary>Too much waits for what it speaks of.</summary>
    WaitingFull,
}

/// <summary>What users say outright, and what they show by the way in which they go on.</summary>
internal sealed class FeedbackMetrics(IMetricFactory factory)
{
    /// <summary>Pairs of a service and an agent with series of their own, three each.</summary>
    public const int AgentsMax = 500;

    private const int NameLengthMax = 128;
    private const string Other = "other";
    private static readonly string[] Values = ["negative", "neutral", "positive"];
    private static readonly string[] Rejections = ["invalid", "limited", "limited_all", "unsupported", "too_large", "busy", "too_slow"];
    private static readonly string[] Statuses = ["accepted", "changed", "repeated", "unresolved"];
    private static readonly string[] DropReasons = ["no_target", "waiting_full"];

    private readonly Counter _said = factory.CreateCounter(
        "otlptap_feedback_total", "What people said of answers, by the endpoint or as telemetry; one that changed their mind counts again.", ["service", "agent", "value"]);

    private readonly Counter _posted = factory.CreateCounter("otlptap_feedback_posted_total", "Feedback taken by the endpoint, by what became of it.", ["status"]);

    private readonly Counter _rejected = factory.CreateCounter("otlptap_feedback_rejected_total", "Posts of feedback that were turned away, by reason.", ["reason"]);

    private readonly Counter _dropped = factory.CreateCounter("otlptap_feedback_dropped_total", "Feedback of the endpoint that was told to nobody, by reason.", ["reason"]);

    private readonly Counter _forgottenIds = factory.CreateCounter(
        "otlptap_feedback_ids_forgotten_total", "Ids of feedback forgotten within their time, because there was no room for more: sent again, it counts again.");

    private readonly Gauge _waiting = factory.CreateGauge("otlptap_feedback_waiting", "Feedback of the endpoint that waits for what it speaks of.");

    private readonly Lock _gate = new();
    private readonly HashSet<(string Service, string Agent)> _agents = [];

    private readonly Counter _implicit = factory.CreateCounter(
        "otlptap_implicit_feedback_total", "Answers that their users were not served by, as the way shows in which they went on.", ["reaction"]);

    private readonly Counter _evicted = factory.CreateCounter(
        "otlptap_feedback_sessions_evicted_total", "Sessions forgotten before they ended, because there was no memory for more.");

    private readonly Counter _failed = factory.CreateCounter(
        "otlptap_feedback_failures_total", "Unexpected errors at the end of sessions: mistakes of the tap's, which the log tells of.");

    private readonly Gauge _sessions = factory.CreateGauge("otlptap_feedback_sessions", "Sessions of users that are followed.");

    /// <param name="service">Empty where it is not known.</param>
    /// <param name="value">In the order negative, neutral, positive.</param>
    public void Said(string service, string agent, int value)
    {
        var pair = (Service: service.Length == 0 ? FailureMetrics.Unnamed : service, Agent: agent);
        lock (_gate)
        {
            if (pair.Service.Length > NameLengthMax || agent.Length > NameLengthMax || (!_agents.Contains(pair) && (_agents.Count >= AgentsMax || !_agents.Add(pair))))
            {
                pair = (Other, Other);
            }
        }

        _said.WithLabels(pair.Service, pair.Agent, Values[value]).Inc();
    }

    public void Taken(FeedbackStatus status) => _posted.WithLabels(Statuses[(int)status]).Inc();

    public void Rejected(FeedbackRejection reason) => _rejected.WithLabels(Rejections[(int)reason]).Inc();

    public void Dropped(FeedbackDropReason reason, int count = 1)
    {
        if (count > 0)
        {
            _dropped.WithLabels(DropReasons[(int)reason]).Inc(count);
        }
    }

    public void WaitingSampled(int waiting, long forgottenIds)
    {
        _waiting.Set(waiting);
        _forgottenIds.IncTo(forgottenIds);
    }

    /// <param name="reaction">Of a closed set: rephrased, repeated, protested, abandoned.</param>
    public void Reacted(string reaction) => _implicit.WithLabels(reaction).Inc();

    public void SessionsEvicted(int count) => _evicted.Inc(count);

    public void Failed() => _failed.Inc();

    public void Sampled(int sessions) => _sessions.Set(sessions);
}
