using OtlpTap.Otlp;

namespace OtlpTap.Advice.Effect;

/// <summary>
/// Which advice was in force when. Spans come seconds after their steps ran, and by then advice may have been raised that the
/// step knew nothing of, or withdrawn that it had followed. For one thread at a time; bounded by number and time.
/// </summary>
internal sealed class AdviceHistory(IAdviceSource source, TimeProvider time)
{
    /// <summary>A span's way to the tap: a batch of some seconds, and the retries of an exporter.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private const int PeriodsMax = 4096;

    private readonly Dictionary<string, AdvicePeriod> _inForce = [];
    private readonly Dictionary<string, List<AdvicePeriod>> _byService = [];
    private readonly Queue<AdvicePeriod> _ended = new();
    private AdviceSnapshot _seen = AdviceSnapshot.None;

    /// <summary>Takes over what has changed. To be called often: what has gone is taken to have gone now.</summary>
    public void Look()
    {
        var snapshot = source.Current;
        if (ReferenceEquals(snapshot, _seen))
        {
            return;
        }

        _seen = snapshot;
        var now = UnixTime.Of(time.GetUtcNow());
        var items = new Dictionary<string, AdviceItem>();
        foreach (var item in snapshot.Items)
        {
            items.TryAdd(item.Id, item);
        }

        foreach (var period in _inForce.Values.ToList())
        {
            if (!items.TryGetValue(period.Item.Id, out var item) || UnixTime.Of(item.Since) != period.Since)
            {
                End(period, now);
            }
        }

        foreach (var item in items.Values)
        {
            if (_inForce.Count < PeriodsMax && !_inForce.ContainsKey(item.Id))
            {
                Begin(new AdvicePeriod(item, UnixTime.Of(item.Since)));
            }
        }

        Forget(now);
    }

    /// <summary>Those that may concern the service, whatever the time.</summary>
    public (IReadOnlyList<AdvicePeriod> Own, IReadOnlyList<AdvicePeriod> ForAll) Of(string service) =>
        (service.Length == 0 ? [] : Named(service), Named(""));

    /// <summary>Whether any was in force lately.</summary>
    public bool IsAny => _byService.Count > 0;

    /// <summary>Whether any was in force for it lately; of a service whose name nobody told, whether any was at all.</summary>
    public bool Concerns(string service) => service.Length == 0 ? _byService.Count > 0 : _byService.ContainsKey(service) || _byService.ContainsKey("");

    /// <summary>Null: no advice of this id was in force lately.</summary>
    public string? PolicyOf(string adviceId, string service)
    {
        var (own, forAll) = Of(service);
        return own.Concat(forAll).FirstOrDefault(period => period.IsNamed(adviceId))?.Item.Policy;
    }

    private List<AdvicePeriod> Named(string service) => _byService.TryGetValue(service, out var periods) ? periods : [];

    private void Begin(AdvicePeriod period)
    {
        _inForce.Add(period.Item.Id, period);
        var service = period.Item.Scope.Service;
        if (!_byService.TryGetValue(service, out var periods))
        {
            _byService.Add(service, periods = []);
        }

        periods.Add(period);
    }

    private void End(AdvicePeriod period, ulong now)
    {
        period.Until = now;
        _inForce.Remove(period.Item.Id);
        _ended.Enqueue(period);
    }

    private void Forget(ulong now)
    {
        var oldest = now - (ulong)(Kept.TotalSeconds * 1e9);
        while (_ended.TryPeek(out var period) && (period.Until < oldest || _ended.Count > PeriodsMax))
        {
            _ended.Dequeue();
            var periods = _byService[period.Item.Scope.Service];
            periods.Remove(period);
            if (periods.Count == 0)
            {
                _byService.Remove(period.Item.Scope.Service);
            }
        }
    }
}
