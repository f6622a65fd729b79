using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using OtlpTap.Configuration;

namespace OtlpTap.Hosting;

/// <summary>
/// The open sockets of one address, apart from the server that takes its connections from them: a listener that is
/// replaced hands them over, and not one client that knocks in the meantime is refused.
/// </summary>
internal sealed class Port : IAsyncDisposable
{
    private readonly IConnectionListenerFactory _transport;
    private readonly Action _refused;

    // Bounded by the slots: a connection in here has one.
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>();

    private IReadOnlyList<IConnectionListener> _sockets = [];
    private Task _accepting = Task.CompletedTask;

    private Port(IConnectionListenerFactory transport, ListenAddress address, ConnectionSlots slots, Action refused)
    {
        _transport = transport;
        _refused = refused;
        Address = address;
        Slots = slots;
    }

    public ListenAddress Address { get; }

    /// <summary>Each accepted connection has one; whoever ends the connection returns it.</summary>
    public ConnectionSlots Slots { get; }

    /// <summary>Where it is bound: with the port that the system chose, and the first address of a host name that has several.</summary>
    public EndPoint Bound { get; private set; } = new IPEndPoint(IPAddress.None, 0);

    public ChannelReader<ConnectionContext> Accepted => _accepted.Reader;

    /// <param name="refused">Told of each connection for which there was no slot.</param>
    /// <exception cref="ListenException">The address cannot be opened.</exception>
    public static async Task<Port> OpenAsync(IConnectionListenerFactory transport, ListenAddress address, ConnectionSlots slots, Action refused, CancellationToken cancellation)
    {
        var port = new Port(transport, address, slots, refused);
        await port.OpenSocketsAsync(cancellation);
        return port;
    }

    /// <summary>Opens the sockets again after <see cref="CloseSocketsAsync"/>.</summary>
    /// <exception cref="ListenException">The address cannot be opened.</exception>
    public async Task OpenSocketsAsync(CancellationToken cancellation)
    {
        _sockets = await ListenSockets.OpenAsync(_transport, Address, cancellation);
        Bound = _sockets[0].EndPoint;
        _accepting = Task.WhenAll(_sockets.Select(AcceptAsync));
    }

    /// <summary>Whoever has a connection keeps it.</summary>
    public async Task CloseSocketsAsync()
    {
        foreach (var socket in _sockets)
        {
            await socket.UnbindAsync();
            await socket.DisposeAsync();
        }

        _sockets = [];
        await _accepting;
        if (Address.UnixPath is { } path)
        {
            File.Delete(path);
        }
    }

    /// <summary>Takes back a connection that nothing was read from, for the next server.</summary>
    public void GiveBack(ConnectionContext connection)
    {
        if (!_accepted.Writer.TryWrite(connection))
        {
            _ = DropAsync(connection);
        }
    }

    /// <summary>Ends a connection that no server has, and returns its slot.</summary>
    public async Task DropAsync(ConnectionContext connection)
    {
        await CloseAsync(connection);
        Slots.Return(connection.RemoteEndPoint);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseSocketsAsync();
        _accepted.Writer.Complete();
        while (_accepted.Reader.TryRead(out var connection))
        {
            await DropAsync(connection);
        }
    }

    private static async Task CloseAsync(ConnectionContext connection)
    {
        connection.Abort(new ConnectionAbortedException("The listener is closed, or has all the connections that it may."));
        await connection.DisposeAsync();
    }

    // The transport itself goes on after errors of single connections; null is the end, after UnbindAsync.
    private async Task AcceptAsync(IConnectionListener socket)
    {
        while (await socket.AcceptAsync() is { } connection)
        {
            if (Slots.TryTake(connection.RemoteEndPoint))
            {
                GiveBack(connection);
            }
            else
            {
                _refused();
                _ = CloseAsync(connection);
            }
        }
    }
}
