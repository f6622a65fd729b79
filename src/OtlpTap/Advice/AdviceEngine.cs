using System.Diagnostics.CodeAnalysis;
using OtlpTap.Advice.Conditions;
using OtlpTap.Health;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Advice;

/// <summary>Looks at all policies every so often, and tells who asks which advice there is. Any thread.</summary>
internal sealed class AdviceEngine : IAdviceSource, IDisposable
{
    private readonly IHealth _health;
    private readonly AdviceJournal _journal;
    private readonly AdviceMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<AdviceEngine> _logger;
    private readonly long _started;
    private readonly ITimer _timer;

    // Under the gate: what a round works with.
    private readonly Lock _gate = new();
    private readonly ConditionReading _reading;
    private readonly EvaluatedScopes _scopes = new();
    private AdviceOptions _options;
    private PolicyWatch[] _watches;
    private PolicyWatch[][] _watchesOfLevel;
    private long _round;
    private bool _isEnded;

    // Changed together.
    private readonly Lock _publishing = new();
    private volatile AdviceSnapshot _current;
    private TaskCompletionSource<AdviceSnapshot> _next = NewNext();

    /// <param name="telemetry">Gets each change.</param>
    /// <param name="version">Of the tap.</param>
    public AdviceEngine(AdviceOptions options, IHealth health, ITapTelemetry telemetry, string version, AdviceMetrics metrics, TimeProvider time, ILogger<AdviceEngine> logger)
    {
        _health = health;
        _journal = new AdviceJournal(new AdviceTelemetry(version), telemetry, metrics, logger);
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _started = time.GetTimestamp();
        _reading = new ConditionReading(health);

        // Versions go on where those before a restart may have ended: whoever kept one is not told that nothing has changed.
        _current = new AdviceSnapshot(time.GetUtcNow().ToUnixTimeMilliseconds(), []);
        _watches = [];
        Use(options);
        _timer = time.CreateTimer(static engine => ((AdviceEngine)engine!).OnTimer(), this, options.Interval, options.Interval);
    }

    public AdviceSnapshot Current => _current;

    /// <summary>The names of those that are in force.</summary>
    public IReadOnlyList<string> Policies => [.. Volatile.Read(ref _options).Policies.Select(policy => policy.Name)];

    public double Holdout => Volatile.Read(ref _options).Holdout;

    public Task<AdviceSnapshot> NextAsync(long version, CancellationToken cancellation)
    {
        lock (_publishing)
        {
            return _current.Version != version ? Task.FromResult(_current) : _next.Task.WaitAsync(cancellation);
        }
    }

    /// <summary>Other policies. Advice of those that are the same as before stays; of all others it is withdrawn, and they begin anew.</summary>
    public void Change(AdviceOptions options)
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return;
            }

            var round = NextRound();
            foreach (var watch in _watches.Where(watch => !options.Policies.Contains(watch.Policy)))
            {
                watch.Withdraw(round, "the policy was changed");
                _metrics.ActiveChanged(watch.Policy.Name, watch.Policy.Advice, 0);
            }

            Use(options);
            _timer.Change(options.Interval, options.Interval);
            End(round);
        }
    }

    /// <summary>Withdraws all advice and tells so. For the end of the tap, while there are exporters.</summary>
    public void End()
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return;
            }

            _isEnded = true;
            var round = NextRound();
            foreach (var watch in _watches)
            {
                watch.Withdraw(round, "the tap ends");
            }

            End(round);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void OnTimer()
    {
        // A round that takes longer than the interval: the next one is not begun beside it.
        if (!_gate.TryEnter())
        {
            return;
        }

        try
        {
            if (!_isEnded)
            {
                Evaluate();
            }
        }
        catch (Exception exception) // the edge of a timer: what escapes it ends the process
        {
            _metrics.Failed();
            _logger.EvaluationFailed(exception);
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void Evaluate()
    {
        var round = NextRound();
        if (_watches.Length > 0)
        {
            foreach (var (scope, level) in _scopes.Of(_health.Scopes()))
            {
                _reading.At(scope);
                foreach (var watch in _watchesOfLevel[(int)level])
                {
                    watch.Look(scope, _scopes, _reading, round);
                }
            }
        }

        foreach (var watch in _watches)
        {
            watch.EndRound(round);
        }

        End(round);
    }

    private Round NextRound() =>
        new(++_round, _time.GetElapsedTime(_started), _time.GetUtcNow(), _options.ActiveMax - _watches.Sum(watch => watch.ActiveCount));

    private void End(Round round)
    {
        if (round.Changes.Count > 0)
        {
            Publish();
        }

        if (round.RefusedCount > 0)
        {
            _metrics.Refused(round.RefusedCount);
            _logger.Refused(round.RefusedCount, _options.ActiveMax);
        }

        foreach (var watch in round.Changes.Count > 0 ? _watches : [])
        {
            _metrics.ActiveChanged(watch.Policy.Name, watch.Policy.Advice, watch.ActiveCount);
        }

        foreach (var change in round.Changes)
        {
            _journal.Tell(change);
        }
    }

    private void Publish()
    {
        IReadOnlyList<AdviceItem> items = [.. _watches.SelectMany(watch => watch.Items).OrderBy(item => item.Since).ThenBy(item => item.Id, StringComparer.Ordinal)];
        lock (_publishing)
        {
            _current = new AdviceSnapshot(_current.Version + 1, items);
            _next.SetResult(_current);
            _next = NewNext();
        }
    }

    [MemberNotNull(nameof(_options), nameof(_watchesOfLevel))]
    private void Use(AdviceOptions options)
    {
        var before = _watches;
        _options = options;
        _watches = [.. options.Policies.Select(policy => before.FirstOrDefault(watch => watch.Policy.Equals(policy)) ?? new PolicyWatch(policy))];
        _watchesOfLevel = [.. Enum.GetValues<Level>().Select(level => _watches.Where(watch => watch.Policy.Condition.Level == level).ToArray())];
        foreach (var watch in _watches)
        {
            _metrics.PolicyUsed(watch.Policy.Name);
            _metrics.ActiveChanged(watch.Policy.Name, watch.Policy.Advice, watch.ActiveCount);
        }
    }

    private static TaskCompletionSource<AdviceSnapshot> NewNext() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
