using System.Net;

namespace OtlpTap.Forward.Http2;

/// <summary>One address of an upstream's name with its connections; without an address, the name as a whole.</summary>
internal sealed class AddressPlace : IConnectionWatcher, IAsyncDisposable
{
    private readonly RoundRobinTransport _owner;
    private readonly CancellationToken _lifetime;
    private readonly ITimer _timer;

    public AddressPlace(RoundRobinTransport owner, IPAddress? address, UpstreamOptions options, ClientTls tls, RequestHeaderBlocks headers, TimeProvider time, ILogger<Http2Transport> logger, CancellationToken lifetime)
    {
        _owner = owner;
        _lifetime = lifetime;
        Address = address;
        Name = address?.ToString() ?? options.Endpoint.Host;
        Transport = new Http2Transport(options, time, logger, tls, headers, this);
        _timer = time.CreateTimer(static state => ((AddressPlace)state!).Connect(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public IPAddress? Address { get; }

    public string Name { get; }

    public Http2Transport Transport { get; }

    /// <summary>Under the owner's lock, as <see cref="Failures"/>.</summary>
    public bool IsReady { get; set; }

    /// <summary>In a row, to connect or to stay connected.</summary>
    public int Failures { get; set; }

    /// <summary>Makes a connection where there is none; how it ended, the transport tells.</summary>
    public void Connect()
    {
        if (!_lifetime.IsCancellationRequested)
        {
            _ = Transport.ProbeAsync(CancellationToken.None).AsTask();
        }
    }

    public void ConnectAfter(TimeSpan pause) => _timer.Change(pause, Timeout.InfiniteTimeSpan);

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await Transport.DisposeAsync();
    }

    void IConnectionWatcher.Connected() => _owner.Connected(this);

    void IConnectionWatcher.Disconnected(string cause) => _owner.Failed(this, cause);
}
