using System.Net;
using System.Net.Sockets;

namespace OtlpTap.Tests.Forward;

/// <summary>A name service that says what the test wants, and counts how often it was asked.</summary>
internal sealed class TestResolver(params string[] addresses)
{
    private volatile string[] _addresses = addresses;
    private int _asked;

    public int Asked => Volatile.Read(ref _asked);

    public void Answer(params string[] addresses) => _addresses = addresses;

    public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _asked);
        var known = _addresses;
        return known.Length == 0
            ? Task.FromException<IPAddress[]>(new SocketException((int)SocketError.HostNotFound))
            : Task.FromResult(known.Select(IPAddress.Parse).ToArray());
    }
}
