using System.Globalization;
using System.Runtime.InteropServices;

namespace OtlpTap.Benchmarks.Sink;

/// <summary>
/// The upstream behind every proxy under test: accepts any gRPC call over cleartext HTTP/2, on one thread. It runs as a
/// process of its own, driven by lines on standard input, and ends with it:
/// <code>
///   count    ->  count REQUESTS BODY_BYTES
///   capture  ->  capturing                 (the next call's body)
///   captured ->  captured SHA256 LENGTH    (or "captured none")
/// </code>
/// </summary>
internal static class SinkServer
{
    private const int ReceiveBufferBytes = 256 << 10;
    private const int ReadyEventsMax = 64;

    public static int Run(int port)
    {
        var counters = new SinkCounters();
        var listener = Epoll.Listen(port);
        new Thread(() => Serve(listener, counters)) { IsBackground = true, Name = "sink" }.Start();
        Console.WriteLine("listening");
        while (Console.ReadLine() is { } command)
        {
            Console.WriteLine(Respond(command, counters));
        }

        return 0;
    }

    private static string Respond(string command, SinkCounters counters)
    {
        switch (command)
        {
            case "count":
                return string.Create(CultureInfo.InvariantCulture, $"count {counters.Requests} {counters.BodyBytes}");
            case "capture":
                counters.Capture();
                return "capturing";
            case "captured":
                return $"captured {counters.Captured ?? "none"}";
            default:
                return "unknown";
        }
    }

    private static void Serve(int listener, SinkCounters counters)
    {
        var epoll = Epoll.Create();
        Epoll.Add(epoll, listener);
        var ready = new Epoll.ReadyEvent[ReadyEventsMax];
        var connections = new Dictionary<int, SinkConnection>();
        var buffer = GC.AllocateUninitializedArray<byte>(ReceiveBufferBytes);
        while (true)
        {
            var count = Epoll.Wait(epoll, ready);
            for (var i = 0; i < count; i++)
            {
                var descriptor = ready[i].Descriptor;
                if (descriptor == listener)
                {
                    AcceptAll(epoll, listener, connections, counters);
                }
                else if (!TryServe(descriptor, connections[descriptor], buffer))
                {
                    connections.Remove(descriptor);
                    Epoll.Close(descriptor);
                }
            }
        }
    }

    private static void AcceptAll(int epoll, int listener, Dictionary<int, SinkConnection> connections, SinkCounters counters)
    {
        while (Epoll.Accept(listener) is >= 0 and var descriptor)
        {
            var connection = new SinkConnection(descriptor, counters);
            connection.Open();
            connections[descriptor] = connection;
            Epoll.Add(epoll, descriptor);
            if (!connection.TryFlush())
            {
                connections.Remove(descriptor);
                Epoll.Close(descriptor);
            }
        }
    }

    // One receive for each readiness event: a busy connection must not keep the others waiting.
    private static bool TryServe(int descriptor, SinkConnection connection, byte[] buffer)
    {
        var received = Epoll.Receive(descriptor, buffer);
        if (received < 0)
        {
            return Marshal.GetLastPInvokeError() is Epoll.WouldBlock or Epoll.Interrupted;
        }

        return received > 0 && connection.TryRead(buffer.AsSpan(0, received)) && connection.TryFlush();
    }
}
