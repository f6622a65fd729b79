using System.Net;
using OtlpTap.Metrics;

namespace OtlpTap.Hosting;

/// <summary>
/// All listeners of the tap, each a server that starts and stops alone. A new configuration is applied as a whole or not
/// at all: what it adds is opened first, then handlers are exchanged, and only then what it leaves out is closed.
/// </summary>
internal sealed class ListenerSet(Server server, ListenerMetrics metrics, ILogger<ListenerSet> log, TimeProvider time) : IAsyncDisposable
{
    /// <summary>
    /// An idle connection takes 44 KB (1,000 of them, measured): 360 MB at worst, and fewer files than systems allow.
    /// A further one is closed at once, and its client tries again.
    /// </summary>
    public const int AgentConnectionsMax = 8192;

    /// <summary>For the tap's own ports: an operator gets in where agents have taken all of theirs.</summary>
    public const int OwnConnectionsMax = 256;

    /// <summary>
    /// Of those, from one address: the other half is left for Prometheus and for whoever looks after the tap. Not less, since all
    /// agents of a machine have one address, and all that come through a proxy.
    /// </summary>
    public const int OwnConnectionsOfClientMax = OwnConnectionsMax / 2;

    // Behind a gateway or a proxy all agents have one address.
    private readonly ConnectionSlots _agents = new(AgentConnectionsMax, AgentConnectionsMax);
    private readonly ConnectionSlots _own = new(OwnConnectionsMax, OwnConnectionsOfClientMax);
    private readonly SemaphoreSlim _applying = new(1, 1);
    private readonly List<Task> _leaving = []; // under _applying
    private volatile IReadOnlyDictionary<ListenerName, Listener> _listeners = new Dictionary<ListenerName, Listener>();

    /// <summary>Where a listener is bound, with the port that the system chose; null where there is no such listener.</summary>
    public EndPoint? BoundTo(ListenerName name)
    {
        var listeners = _listeners;
        return listeners.TryGetValue(name, out var listener) || (name.Role == ListenerRole.Grpc && listeners.TryGetValue(ListenerName.Http(name.Receiver), out listener))
            ? listener.Bound
            : null;
    }

    /// <summary>A line for each listener whose certificates could not be read again, as a reload tries.</summary>
    public IEnumerable<string> TlsProblems =>
        from listener in _listeners.Values
        where listener.TlsProblem is not null
        select $"{listener.Settings.Name}: the certificates in use stay: {listener.TlsProblem}";

    /// <summary>
    /// Makes the listeners those of the plans, at the start and at each reload. One whose settings are the same keeps its
    /// connections and gets the new handler; one that changed is replaced on the same sockets, so that no client is
    /// refused; what goes away answers the requests that it has.
    /// </summary>
    /// <param name="drain">How long a listener that goes away may take for that.</param>
    /// <returns>Ends when what goes away has ended: until then removed receivers still need what their handlers stand on.</returns>
    /// <exception cref="ListenException">Nothing has changed then.</exception>
    public async Task<Task> ApplyAsync(IReadOnlyList<ListenerPlan> plans, TimeSpan drain, CancellationToken cancellation)
    {
        await _applying.WaitAsync(cancellation);
        try
        {
            var before = _listeners;
            var kept = plans.Where(plan => before.TryGetValue(plan.Settings.Name, out var listener) && listener.Settings == plan.Settings).ToList();
            var keptNames = kept.Select(plan => plan.Settings.Name).ToHashSet();
            var leaving = before.Where(old => !keptNames.Contains(old.Key)).Select(old => old.Value).ToList();
            var change = new ListenerChange(server, metrics, log, time, SlotsOf, BoundTo, leaving);
            var now = new Dictionary<ListenerName, Listener>();
            foreach (var listener in await StartAsync(change, plans, [.. plans.Except(kept)], cancellation))
            {
                now.Add(listener.Settings.Name, listener);
            }

            foreach (var plan in kept)
            {
                before[plan.Settings.Name].Use(plan);
                now.Add(plan.Settings.Name, before[plan.Settings.Name]);
            }

            _listeners = now;
            _leaving.RemoveAll(task => task.IsCompleted);
            var gone = Task.WhenAll(await change.LetGoAsync(drain));
            _leaving.Add(gone);
            return gone;
        }
        finally
        {
            _applying.Release();
        }
    }

    /// <summary>
    /// Agents first: they are told to go away and get their answers, while /readyz still says that the tap is going down.
    /// Then the tap's own ports.
    /// </summary>
    /// <param name="deadline">What then still hangs is cut off.</param>
    public async Task StopAsync(CancellationToken deadline)
    {
        await _applying.WaitAsync(CancellationToken.None);
        try
        {
            var listeners = _listeners.Values.ToList();
            _listeners = new Dictionary<ListenerName, Listener>();
            await Task.WhenAll([.. _leaving, .. listeners.Where(listener => listener.Settings.Name.IsForAgents).Select(StopAsync)]);
            await Task.WhenAll(listeners.Where(listener => !listener.Settings.Name.IsForAgents).Select(StopAsync));
            _leaving.Clear();
        }
        finally
        {
            _applying.Release();
        }

        async Task StopAsync(Listener listener)
        {
            await listener.Port.DisposeAsync();
            await listener.StopAsync(deadline);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(new CancellationToken(canceled: true));
        _applying.Dispose();
    }

    private static async Task<IReadOnlyList<Listener>> StartAsync(ListenerChange change, IReadOnlyList<ListenerPlan> all, IReadOnlyList<ListenerPlan> added, CancellationToken cancellation)
    {
        try
        {
            return await change.StartAsync(added, cancellation);
        }
        catch
        {
            // Refused: what its handlers would have needed is not needed.
            foreach (var plan in all)
            {
                plan.Owned?.Dispose();
            }

            throw;
        }
    }

    private ConnectionSlots SlotsOf(ListenerName name) => name.IsForAgents ? _agents : _own;
}
