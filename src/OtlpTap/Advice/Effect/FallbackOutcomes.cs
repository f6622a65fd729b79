using OtlpTap.Health;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Advice.Effect;

/// <summary>
/// Did it help? Follows agents' runs, notes which advice they had or were kept from and which fallbacks they took, and counts
/// what became of them once they are quiet; what comes later, such as a user's opinion, changes the count. Any thread.
/// </summary>
internal sealed class FallbackOutcomes : ISpanFactObserver, IVerdictSink, IScoreSink, IDisposable
{
    /// <summary>The policy of a fallback that followed none, as a label.</summary>
    public const string NoPolicy = "none";

    private static readonly TimeSpan SettleInterval = TimeSpan.FromSeconds(1);

    // Of those that took a fallback of their own; further ones are followed while there is advice for them.
    private const int TakersMax = 4096;

    // The recorder's thread waits for the lock: some 1 ms.
    private const int SettledAtOnceMax = 200;

    private readonly EffectOptions _options;
    private readonly IAdviceSource _source;
    private readonly AdviceEffectMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<FallbackOutcomes> _logger;
    private readonly ITimer _timer;

    // Everything below is guarded by the gate.
    private readonly Lock _gate = new();
    private readonly AdviceHistory _history;
    private readonly RunLedger _ledger;
    private readonly EffectWindow _window;
    private readonly FallbackCounts _fallbacks;
    private readonly HashSet<string> _takers = [];

    public FallbackOutcomes(EffectOptions options, IAdviceSource source, AdviceEffectMetrics metrics, TimeProvider time, ILogger<FallbackOutcomes> logger)
    {
        _options = options;
        _source = source;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _history = new AdviceHistory(source, time);
        _ledger = new RunLedger(options.RunBytesMax, time);
        _window = new EffectWindow(options.Window);
        _fallbacks = new FallbackCounts(options.Window);
        _timer = time.CreateTimer(static state => ((FallbackOutcomes)state!).Tick(), this, SettleInterval, SettleInterval);
    }

    public void Observed(ReadOnlySpan<SpanFact> facts)
    {
        if (!_options.IsEnabled)
        {
            return;
        }

        lock (_gate)
        {
            _history.Look();
            foreach (ref readonly var fact in facts)
            {
                if (!fact.TraceId.IsZero && (fact.Fallback is not null || (IsAnyFollowed && IsFollowed(fact.TraceId, fact.Service))))
                {
                    Take(fact);
                }
            }
        }
    }

    public void Judged(in TraceId traceId, in Verdict verdict)
    {
        if (!_options.IsEnabled || traceId.IsZero)
        {
            return;
        }

        lock (_gate)
        {
            _history.Look();
            if (!IsFollowed(traceId, verdict.Judged?.Service ?? ""))
            {
                return;
            }

            var run = _ledger.Open(traceId);
            run.Take(verdict);
            _ledger.Account(run);
            Shrink();
        }
    }

    public void Passed(in TraceId traceId, in PassedScore score)
    {
        if (!_options.IsEnabled || traceId.IsZero)
        {
            return;
        }

        lock (_gate)
        {
            _history.Look();
            if (!IsFollowed(traceId, score.Judged?.Service ?? ""))
            {
                return;
            }

            var run = _ledger.Open(traceId);
            run.Take(score);
            _ledger.Account(run);
            Shrink();
        }
    }

    /// <param name="policy">Only this one; null: all.</param>
    /// <param name="service">Only this one's; null: all.</param>
    public EffectReport Report(string? policy = null, string? service = null)
    {
        lock (_gate)
        {
            var now = _time.GetUtcNow();
            _window.Advance(now);
            _fallbacks.Advance(now);
            return EffectReporter.Build(_options, _source.Holdout, now, _window, _fallbacks, policy, service);
        }
    }

    /// <summary>Sets the gauges. For the registry's before-collect callback.</summary>
    public void PublishMetrics()
    {
        lock (_gate)
        {
            _metrics.Sampled(_ledger.Count, _ledger.Bytes);
        }
    }

    public void Dispose() => _timer.Dispose();

    private bool IsAnyFollowed => _history.IsAny || _takers.Count > 0 || _ledger.Count > 0;

    /// <summary>Most runs have nothing to do with advice, and are let by: those of services that have had none lately and have taken no fallback.</summary>
    private bool IsFollowed(in TraceId traceId, string service) =>
        _history.Concerns(service) || (_takers.Count > 0 && (service.Length == 0 || _takers.Contains(RunRecord.Cut(service)))) || _ledger.Has(traceId);

    private void Take(in SpanFact fact)
    {
        if (fact.Fallback is not null && _takers.Count < TakersMax)
        {
            _takers.Add(RunRecord.Cut(fact.Service));
        }

        var now = _time.GetUtcNow();
        var at = TimeOf(fact, now);
        var run = _ledger.Open(fact.TraceId);
        var isNewFallback = run.Take(fact, at);
        Expose(run, fact, at);
        if (isNewFallback)
        {
            Count(fact, now);
        }

        _ledger.Account(run);
        Shrink();
    }

    // A sender's clock that is ahead would put a step into a time that has not been.
    private static ulong TimeOf(in SpanFact fact, DateTimeOffset now)
    {
        var latest = UnixTime.Of(now);
        return fact.StartUnixNano == 0 ? latest : Math.Min(fact.StartUnixNano, latest);
    }

    private void Expose(RunRecord run, in SpanFact fact, ulong at)
    {
        var (own, forAll) = _history.Of(fact.Service);
        Expose(run, fact, at, own);
        Expose(run, fact, at, forAll);
    }

    private void Expose(RunRecord run, in SpanFact fact, ulong at, IReadOnlyList<AdvicePeriod> periods)
    {
        for (var i = 0; i < periods.Count; i++)
        {
            var period = periods[i];
            var concern = !period.Contains(at) ? Concern.None : fact.Fallback is { } fallback && period.IsNamed(fallback.AdviceId) ? Concern.Step : period.Of(fact);
            if (concern == Concern.None)
            {
                continue;
            }

            var exposure = run.Exposures.Find(known => ReferenceEquals(known.Period, period));
            if (exposure is null)
            {
                if (run.Exposures.Count >= RunRecord.ExposuresMax)
                {
                    return;
                }

                var share = _source.Holdout;
                exposure = new Exposure(period, RunRecord.Cut(fact.Service), Holdout.Has(run.TraceId, share), share);
                run.Exposures.Add(exposure);
            }

            exposure.IsReached |= concern == Concern.Step;
        }
    }

    private void Count(in SpanFact fact, DateTimeOffset now)
    {
        var fallback = fact.Fallback!;
        var policy = fallback.AdviceId.Length == 0 ? null : _history.PolicyOf(fallback.AdviceId, fact.Service);
        var labels = _fallbacks.Add(fact.Service, fact.Agent, fallback, policy, now);
        _metrics.FallbackTaken(labels.Service, labels.Agent, labels.Advice, labels.Reason);
    }

    private void Tick()
    {
        try
        {
            while (SettleSome())
            {
                // The recorder's thread may come in between.
            }
        }
        catch (Exception exception) // the edge of a timer: what escapes it ends the process
        {
            Failed(exception);
        }
    }

    // Whether there may be more.
    private bool SettleSome()
    {
        lock (_gate)
        {
            _history.Look();
            _window.Advance(_time.GetUtcNow());
            var left = SettledAtOnceMax;
            while (left > 0 && _ledger.Due(_options.Settle) is { } run)
            {
                Settle(run);
                left--;
            }

            Shrink();
            return left == 0;
        }
    }

    private void Settle(RunRecord run)
    {
        if (!run.IsRun)
        {
            _metrics.Unmatched(run.Judgements);
            _ledger.Remove(run);
            return;
        }

        try
        {
            Count(run);
            run.Trim();
            _ledger.Settle(run, run.Exposures.Count > 0 || run.Fallbacks.Count > 0);
        }
        catch (Exception exception) // one run must not hold up all that come after it
        {
            Failed(exception);
            _ledger.Remove(run);
        }
    }

    private void Count(RunRecord run)
    {
        var (before, counted) = (run.Counted, RunPlacement.Count(run));
        if (before is not null)
        {
            _window.Remove(before);
        }

        run.Counted = counted = _window.Add(counted);
        if (counted.Placed.Count < counted.Places.Count && !_window.IsPast(counted))
        {
            _metrics.RunLeftOut();
        }

        Tell(before, counted);
    }

    private void Failed(Exception exception)
    {
        _metrics.Failed();
        _logger.SettlingFailed(exception);
    }

    private void Tell(CountedRun? before, CountedRun counted)
    {
        foreach (var place in counted.Places.Where(IsToldOf))
        {
            var known = before?.Places.Where(other => IsToldOf(other) && other.Group.Policy == place.Group.Policy).ToList() ?? [];
            var policy = place.Group.Kind == GroupKind.Situation ? NoPolicy : place.Group.Policy;
            if (known.Count == 0)
            {
                _metrics.Settled(policy, place.Arm.Name(), counted.IsSuccess);
            }
            else if (before!.IsSuccess != counted.IsSuccess || known[0].Arm != place.Arm)
            {
                _metrics.Revised(policy, place.Arm.Name(), counted.IsSuccess);
            }
        }
    }

    private static bool IsToldOf(Place place) => place.Group.Kind != GroupKind.Advice && place.Arm is (Arm.Fallback or Arm.Advised or Arm.HeldOut or Arm.Own);

    private void Shrink()
    {
        while (_ledger.Excess() is { } run)
        {
            // What is known of it counts before it goes.
            if (run.Counted is null && run.IsRun)
            {
                Settle(run);
            }

            _ledger.Remove(run);
            _metrics.RunEvicted();
        }
    }
}
