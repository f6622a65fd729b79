using System.Net;
using OtlpTap.Buffers;

namespace OtlpTap.Hosting;

/// <summary>How many connections may be open at the same time, over all listeners that share it, and how many of them from one address.</summary>
internal sealed class ConnectionSlots(int max, int perClientMax)
{
    private readonly ClientShares _shares = new(max, perClientMax);

    public long Taken => _shares.Taken;

    /// <param name="client">The other end of the connection.</param>
    public bool TryTake(EndPoint? client) => _shares.TryTake(NetworkOf(client));

    public void Return(EndPoint? client) => _shares.Return(NetworkOf(client));

    private static string NetworkOf(EndPoint? client) => ClientNetwork.Of((client as IPEndPoint)?.Address);
}
