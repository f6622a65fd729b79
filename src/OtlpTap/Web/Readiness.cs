namespace OtlpTap.Web;

/// <summary>
/// Whether agents should be sent to this tap. Composition says when the ports are open and when it shuts down; whether
/// an upstream can be reached is asked each time.
/// </summary>
/// <param name="upstreams">Asked each time: the exporters that matter by their ids, and whether each can be reached, answered at once.</param>
/// <param name="time">Of <see cref="OpenSince"/>.</param>
internal sealed class Readiness(Func<IEnumerable<(string Exporter, bool IsReachable)>> upstreams, TimeProvider time)
{
    private const int Starting = 0;
    private const int Open = 1;
    private const int Closing = 2;

    private int _state;
    private long _openSinceUtcTicks;

    /// <summary>Since when requests are taken, whether or not an upstream can be reached; null before and after.</summary>
    public DateTimeOffset? OpenSince =>
        Volatile.Read(ref _state) == Open ? new DateTimeOffset(Volatile.Read(ref _openSinceUtcTicks), TimeSpan.Zero) : null;

    public void Listening()
    {
        // First, so that who sees it open sees since when.
        Interlocked.CompareExchange(ref _openSinceUtcTicks, time.GetUtcNow().UtcTicks, 0);
        Interlocked.CompareExchange(ref _state, Open, Starting);
    }

    public void ShuttingDown() => Volatile.Write(ref _state, Closing);

    /// <summary>Why the tap is not ready, for a person to read; null when it is.</summary>
    public string? Reason()
    {
        switch (Volatile.Read(ref _state))
        {
            case Starting:
                return "not listening yet";
            case Closing:
                return "shutting down";
        }

        var unreachable = upstreams().Where(upstream => !upstream.IsReachable).Select(upstream => upstream.Exporter).ToList();
        return unreachable.Count == 0 ? null : $"upstream not reachable: {string.Join(", ", unreachable)}";
    }
}
