namespace OtlpTap.Configuration;

/// <summary>Where a listener opens: a TCP address, or the path of a Unix socket (<c>transport: unix</c>, or an endpoint <c>unix:///run/otlptap.sock</c>).</summary>
internal readonly record struct ListenAddress(HostPort Tcp, string? UnixPath)
{
    public ListenAddress(string host, int port)
        : this(new HostPort(host, port), null)
    {
    }

    public override string ToString() => UnixPath is { } path ? $"unix://{path}" : Tcp.ToString();
}
