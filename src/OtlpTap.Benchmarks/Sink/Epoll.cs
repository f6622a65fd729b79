using System.ComponentModel;
using System.Net;
using System.Runtime.InteropServices;

namespace OtlpTap.Benchmarks.Sink;

/// <summary>
/// The system calls that the sink's loop is made of. The runtime's own socket engine hands every readiness event to the
/// thread pool; on two cores that would be paid for by the proxy beside it.
/// </summary>
internal static partial class Epoll
{
    public const uint Readable = 0x001;
    public const int WouldBlock = 11;
    public const int Interrupted = 4;

    private const int AddressFamilyInternet = 2;
    private const int SocketStream = 1;
    private const int SocketNonBlocking = 0x800;
    private const int SocketLevel = 1;
    private const int ReuseAddress = 2;
    private const int ProtocolTcp = 6;
    private const int TcpNoDelay = 1;
    private const int Backlog = 1024;
    private const int NoSignal = 0x4000;
    private const int ControlAdd = 1;
    private const short PollWritable = 4;

    /// <summary>A non-blocking socket that listens on loopback.</summary>
    public static int Listen(int port)
    {
        var listener = Checked(socket(AddressFamilyInternet, SocketStream | SocketNonBlocking, 0));
        var one = 1;
        Checked(setsockopt(listener, SocketLevel, ReuseAddress, one, sizeof(int)));
        var address = new InternetAddress
        {
            Family = AddressFamilyInternet,
            Port = (ushort)IPAddress.HostToNetworkOrder((short)port),
            Address = (uint)IPAddress.HostToNetworkOrder((int)0x7F00_0001),
        };
        Checked(bind(listener, address, Marshal.SizeOf<InternetAddress>()));
        Checked(listen(listener, Backlog));
        return listener;
    }

    public static int Create() => Checked(epoll_create1(0));

    public static void Add(int epoll, int descriptor) =>
        Checked(epoll_ctl(epoll, ControlAdd, descriptor, new ReadyEvent { Events = Readable, Descriptor = descriptor }));

    /// <summary>The number of descriptors that are ready; waits without limit.</summary>
    public static int Wait(int epoll, ReadyEvent[] ready)
    {
        var count = epoll_wait(epoll, ready, ready.Length, -1);
        return count < 0 && Marshal.GetLastPInvokeError() == Interrupted ? 0 : Checked(count);
    }

    /// <summary>The next connection, or -1 when no one else is waiting.</summary>
    public static int Accept(int listener)
    {
        var connection = accept4(listener, 0, 0, SocketNonBlocking);
        if (connection < 0)
        {
            return -1;
        }

        var one = 1;
        Checked(setsockopt(connection, ProtocolTcp, TcpNoDelay, one, sizeof(int)));
        return connection;
    }

    /// <summary>Bytes received; 0 when the peer has closed; negative with <see cref="Marshal.GetLastPInvokeError"/> set.</summary>
    public static int Receive(int descriptor, Span<byte> into) => (int)recv(descriptor, into, into.Length, 0);

    public static int Send(int descriptor, ReadOnlySpan<byte> bytes) => (int)send(descriptor, bytes, bytes.Length, NoSignal);

    public static bool WaitWritable(int descriptor, int timeoutMilliseconds)
    {
        var waiting = new PollEntry { Descriptor = descriptor, Events = PollWritable };
        return poll(ref waiting, 1, timeoutMilliseconds) > 0;
    }

    public static void Close(int descriptor) => close(descriptor);

    private static int Checked(int result) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError());

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int descriptor, int level, int option, in int value, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(int descriptor, in InternetAddress address, int length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int listen(int descriptor, int backlog);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept4(int descriptor, nint address, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int descriptor, Span<byte> buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int descriptor, ReadOnlySpan<byte> buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(ref PollEntry entry, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, in ReadyEvent wanted);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, [Out] ReadyEvent[] ready, int count, int timeoutMilliseconds);

    // The kernel packs it on x86-64 alone ("epoll_event", linux/eventpoll.h); the unused second half of its data is part of the layout.
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    public struct ReadyEvent
    {
        public uint Events;
        public int Descriptor;
        public int Unused;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct InternetAddress
    {
        public ushort Family;
        public ushort Port;
        public uint Address;
        public ulong Zero;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
