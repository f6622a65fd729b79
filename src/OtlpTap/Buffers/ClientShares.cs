namespace OtlpTap.Buffers;

/// <summary>A bound that clients share, none of which may have more than its part of it. Any thread; knows only clients that have something.</summary>
internal sealed class ClientShares(long max, long perClientMax)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _clients = new(StringComparer.Ordinal);
    private long _taken;

    public long Taken
    {
        get
        {
            lock (_gate)
            {
                return _taken;
            }
        }
    }

    /// <summary>False, and nothing taken, where it is more than there is for all, or for this client.</summary>
    public bool TryTake(string client, long amount = 1) => TryGrow(client, held: 0, amount, mayPassAlone: false);

    /// <summary>The same for what already holds <paramref name="held"/>. Where nobody has anything else it may pass the bound: it could never succeed otherwise.</summary>
    public bool TryGrow(string client, long held, long amount) => TryGrow(client, held, amount, mayPassAlone: true);

    public void Return(string client, long amount = 1)
    {
        lock (_gate)
        {
            _taken -= amount;
            var left = _clients.GetValueOrDefault(client) - amount;
            if (left == 0)
            {
                _clients.Remove(client);
            }
            else
            {
                _clients[client] = left;
            }
        }
    }

    private bool TryGrow(string client, long held, long amount, bool mayPassAlone)
    {
        lock (_gate)
        {
            var own = _clients.GetValueOrDefault(client);
            var isWithin = _taken + amount <= max && own + amount <= perClientMax;
            if (!isWithin && !(mayPassAlone && _taken == held))
            {
                return false;
            }

            _taken += amount;
            _clients[client] = own + amount;
            return true;
        }
    }
}
