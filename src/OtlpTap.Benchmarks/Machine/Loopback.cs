using System.Net;
using System.Net.Sockets;

namespace OtlpTap.Benchmarks.Machine;

/// <summary>Ports on 127.0.0.1, the only address that is ever used.</summary>
internal static class Loopback
{
    private static readonly TimeSpan StartDeadline = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Throws when the process ends first, or does not listen in time.</summary>
    public static async Task WaitUntilListeningAsync(int port, ChildProcess process, CancellationToken cancellation)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await AcceptsAsync(port, cancellation))
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"ended at once: {process.LastWords}");
            }

            if (TimeProvider.System.GetElapsedTime(started) > StartDeadline)
            {
                throw new InvalidOperationException($"does not listen after {StartDeadline.TotalSeconds:0} s: {process.LastWords}");
            }

            await Task.Delay(PollInterval, cancellation);
        }
    }

    public static async Task<bool> AcceptsAsync(int port, CancellationToken cancellation)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
