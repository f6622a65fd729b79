using System.Net;
using System.Net.Sockets;

namespace OtlpTap.Hosting;

/// <summary>
/// Where a Unix socket listens. .NET keeps the address of a client that it accepts in a copy of the listener's, and where the client
/// has bound its own socket to a longer path, what it throws ends the process: so this one has room for every path there is.
/// Of the client's path nothing is kept: it is the client's to choose, and stands for nobody.
/// </summary>
internal sealed class UnixListenAddress(UnixDomainSocketEndPoint own) : EndPoint
{
    // unix(7): struct sockaddr_un has 110 bytes, and of a path that fills it the kernel tells one more.
    private const int BytesMax = 110;
    private const int BytesTold = BytesMax + 1;

    public override AddressFamily AddressFamily => AddressFamily.Unix;

    public override SocketAddress Serialize()
    {
        var address = new SocketAddress(AddressFamily.Unix, BytesTold);
        own.Serialize().Buffer.Span[..own.Serialize().Size].CopyTo(address.Buffer.Span);
        address.Size = BytesMax; // as much as bind(2) takes: the path ends at its first zero
        return address;
    }

    public override EndPoint Create(SocketAddress socketAddress) => PathIn(socketAddress).SequenceEqual(PathIn(Serialize())) ? own : Client.Instance;

    public override string ToString() => own.ToString();

    private static ReadOnlySpan<byte> PathIn(SocketAddress address) => address.Buffer.Span[..address.Size].TrimEnd((byte)0);

    private sealed class Client : EndPoint
    {
        public static readonly Client Instance = new();

        public override AddressFamily AddressFamily => AddressFamily.Unix;

        public override string ToString() => "a process of this machine";
    }
}
