using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using OtlpTap.Receive;

namespace OtlpTap.Hosting;

/// <summary>Where one server's connections come from: not from sockets of its own but from a <see cref="Port"/>, which outlives it.</summary>
/// <param name="http2">Where the server speaks HTTP/1.1 and HTTP/2 in the clear: what it needs beside the port.</param>
internal sealed class Intake(Port port, PriorKnowledge? http2) : EndPoint, IConnectionListenerFactory, IConnectionListener
{
    // Bounded by the port's slots, as what is accepted is.
    private readonly Channel<ConnectionContext> _connections = Channel.CreateUnbounded<ConnectionContext>();
    private readonly CancellationTokenSource _stop = new();
    private Task _pulling = Task.CompletedTask;

    public EndPoint EndPoint => this;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        http2?.CanBind(endpoint) == true ? http2.BindAsync(endpoint, cancellationToken) : new(this);

    /// <summary>Once the server runs.</summary>
    public void Start() => _pulling = PullAsync();

    /// <summary>Takes no further connections: they wait at the port, for the next server.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _pulling;
        _connections.Writer.TryComplete();
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _connections.Reader.WaitToReadAsync(cancellationToken))
        {
            if (_connections.Reader.TryRead(out var connection))
            {
                return connection;
            }
        }

        return null;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default) => await StopAsync();

    public ValueTask DisposeAsync() => UnbindAsync();

    public override string ToString() => port.Address.ToString();

    private async Task PullAsync()
    {
        try
        {
            while (await port.Accepted.WaitToReadAsync(_stop.Token))
            {
                while (!_stop.IsCancellationRequested && port.Accepted.TryRead(out var connection))
                {
                    // Completed only when this has ended.
                    _connections.Writer.TryWrite(connection);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }
}
