using OtlpTap.Otlp;

namespace OtlpTap.Advice.Effect;

/// <summary>
/// Runs by their trace: open ones, of which something came lately, and settled ones, which later feedback can open again. For
/// one thread at a time. Bounded by bytes: settled runs go first that no advice concerned, then those that it did, each the one
/// first of which nothing came for longest.
/// </summary>
internal sealed class RunLedger(long bytesMax, TimeProvider time)
{
    private readonly Dictionary<TraceId, LinkedListNode<RunRecord>> _runs = [];

    // Each with what was quiet longest in front.
    private readonly LinkedList<RunRecord> _open = new();
    private readonly LinkedList<RunRecord> _settled = new();
    private readonly LinkedList<RunRecord> _ofInterest = new();

    public long Bytes { get; private set; }

    public int Count => _runs.Count;

    public bool Has(in TraceId traceId) => _runs.ContainsKey(traceId);

    /// <summary>The run of a trace, open.</summary>
    public RunRecord Open(in TraceId traceId)
    {
        if (_runs.TryGetValue(traceId, out var node))
        {
            node.List!.Remove(node);
        }
        else
        {
            node = new LinkedListNode<RunRecord>(new RunRecord(traceId, time.GetUtcNow()));
            _runs.Add(traceId, node);
        }

        node.Value.TouchedAt = time.GetTimestamp();
        _open.AddLast(node);
        return node.Value;
    }

    /// <summary>To be called when something was put into a run.</summary>
    public void Account(RunRecord run)
    {
        var bytes = run.Bytes;
        Bytes += bytes - run.AccountedBytes;
        run.AccountedBytes = bytes;
    }

    /// <summary>The open run of which nothing came for longest, if that is <paramref name="quiet"/> at least.</summary>
    public RunRecord? Due(TimeSpan quiet) =>
        _open.First is { } first && time.GetElapsedTime(first.Value.TouchedAt) >= quiet ? first.Value : null;

    public void Settle(RunRecord run, bool isOfInterest)
    {
        var node = _runs[run.TraceId];
        node.List!.Remove(node);
        (isOfInterest ? _ofInterest : _settled).AddLast(node);
        Account(run);
    }

    public void Remove(RunRecord run)
    {
        if (_runs.Remove(run.TraceId, out var node))
        {
            node.List!.Remove(node);
            Bytes -= run.AccountedBytes;
        }
    }

    /// <summary>What must go for the bound to hold; null: it holds.</summary>
    public RunRecord? Excess() => Bytes <= bytesMax ? null : (_settled.First ?? _ofInterest.First ?? _open.First)?.Value;
}
