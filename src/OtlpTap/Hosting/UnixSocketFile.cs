using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace OtlpTap.Hosting;

/// <summary>The file of a Unix socket, which outlives a process that was killed and would keep its successor from binding.</summary>
internal static partial class UnixSocketFile
{
    /// <summary>Removes the file where it is a socket on which nobody listens. Anything else at that path is left as it is, and said.</summary>
    /// <exception cref="ListenException">The path is taken.</exception>
    public static void RemoveStale(string path)
    {
        if (!TryReadType(path, out var type))
        {
            // Nothing there, or nothing that can be looked at: binding will tell.
            return;
        }

        if (type != TypeSocket)
        {
            throw new ListenException("there is a file that is no socket; it is not touched");
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }

        throw new ListenException("another process listens there");
    }

    // statx(2): .NET tells links and directories, but no sockets. S_IFMT and S_IFSOCK of inode(7).
    private const int CurrentDirectory = -100;
    private const int DoNotFollowLinks = 0x100;
    private const uint TypeWanted = 1;
    private const ushort TypeMask = 0xF000;
    private const ushort TypeSocket = 0xC000;

    private static bool TryReadType(string path, out ushort type)
    {
        type = 0;
        if (!OperatingSystem.IsLinux() || StatX(CurrentDirectory, path, DoNotFollowLinks, TypeWanted, out var status) != 0)
        {
            return false;
        }

        type = (ushort)(status.Mode & TypeMask);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int directory, string path, int flags, uint wanted, out Status status);

    /// <summary><c>struct statx</c>, 256 bytes on every machine.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Status
    {
        [FieldOffset(28)]
        public ushort Mode;
    }
}
