using System.Net;
using OtlpTap.Metrics;

namespace OtlpTap.Hosting;

/// <summary>
/// One change of a <see cref="ListenerSet"/>: starts the new listeners, on the sockets of those that leave where the
/// address is the same, and takes everything back where one of them cannot start.
/// </summary>
/// <param name="leaving">Removed or replaced. They run on until the new ones do.</param>
internal sealed class ListenerChange(
    Server server, ListenerMetrics metrics, ILogger log, TimeProvider time, Func<ListenerName, ConnectionSlots> slotsOf, Func<ListenerName, EndPoint?> boundTo, IReadOnlyList<Listener> leaving)
{
    /// <summary>
    /// A connection that was accepted just now gets to shake hands and to say what it came for, before it is told to go
    /// away: clients take that well after their first request, and for an error before it.
    /// </summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    private readonly List<Listener> _started = [];
    private readonly List<Port> _opened = [];
    private readonly List<Port> _closed = []; // of leaving listeners, because a new one overlaps with it

    public async Task<IReadOnlyList<Listener>> StartAsync(IReadOnlyList<ListenerPlan> plans, CancellationToken cancellation)
    {
        try
        {
            foreach (var plan in plans)
            {
                await StartAsync(plan, cancellation);
            }

            foreach (var listener in leaving)
            {
                if (plans.FirstOrDefault(plan => plan.Settings.Name == listener.Settings.Name) is { } successor)
                {
                    listener.GiveOverTo(successor);
                }
            }

            return _started;
        }
        catch
        {
            await UndoAsync();
            throw;
        }
    }

    /// <summary>Closes what nobody uses any longer. The listeners that leave answer what they have, for as long as <paramref name="drain"/>.</summary>
    public async Task<IReadOnlyList<Task>> LetGoAsync(TimeSpan drain)
    {
        foreach (var port in leaving.Select(listener => listener.Port).Where(port => !IsTakenOver(port)))
        {
            await port.DisposeAsync();
        }

        return [.. leaving.Select(LeaveAsync)];

        async Task LeaveAsync(Listener listener)
        {
            await listener.StopAcceptingAsync();
            await Task.Delay(Settle, time, CancellationToken.None);
            using var deadline = new CancellationTokenSource(drain, time);
            await listener.StopAsync(deadline.Token);
        }
    }

    private async Task StartAsync(ListenerPlan plan, CancellationToken cancellation)
    {
        var settings = plan.Settings;
        var instruments = metrics.For(settings.Name.ToString());
        var tls = settings.Tls is { } options ? new ListenerTls(settings, options, instruments, log, time) : null;
        try
        {
            var port = PortOf(settings) ?? await OpenAsync(settings, instruments, cancellation);
            _started.Add(await Listener.StartAsync(plan, port, tls, server, boundTo, instruments, log, time, cancellation));
        }
        catch
        {
            tls?.Dispose();
            throw;
        }
    }

    /// <summary>The sockets of a listener that leaves, where it has the same address. Port 0 is the same only for the same listener.</summary>
    private Port? PortOf(ListenerSettings settings) => leaving
        .FirstOrDefault(listener => listener.Settings.Endpoint == settings.Endpoint
            && listener.Port.Slots == slotsOf(settings.Name)
            && (listener.Settings.Name == settings.Name || settings.Endpoint.UnixPath is not null || settings.Endpoint.Tcp.Port != 0)
            && !_closed.Contains(listener.Port)
            && !IsTakenOver(listener.Port))
        ?.Port;

    private bool IsTakenOver(Port port) => _started.Exists(listener => listener.Port == port);

    private async Task<Port> OpenAsync(ListenerSettings settings, ListenerMetrics.Of instruments, CancellationToken cancellation)
    {
        // `:4317` in place of `127.0.0.1:4317`: the old socket would be in the way of the new one.
        foreach (var port in leaving.Select(listener => listener.Port).Where(port => IsInTheWay(port, settings) && !IsTakenOver(port) && !_closed.Contains(port)))
        {
            await port.CloseSocketsAsync();
            _closed.Add(port);
        }

        var opened = await Port.OpenAsync(server.Sockets, settings.Endpoint, slotsOf(settings.Name), instruments.ConnectionRefused, cancellation);
        _opened.Add(opened);
        return opened;
    }

    private static bool IsInTheWay(Port port, ListenerSettings settings) => settings.Endpoint.UnixPath is { } path
        ? port.Address.UnixPath == path
        : port.Bound is IPEndPoint bound && bound.Port == settings.Endpoint.Tcp.Port;

    private async Task UndoAsync()
    {
        var atOnce = new CancellationToken(canceled: true);
        foreach (var listener in _started)
        {
            await listener.StopAsync(atOnce);
        }

        foreach (var port in _opened)
        {
            await port.DisposeAsync();
        }

        foreach (var port in _closed)
        {
            await port.OpenSocketsAsync(CancellationToken.None);
        }
    }
}
