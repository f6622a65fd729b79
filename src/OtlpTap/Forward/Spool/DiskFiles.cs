using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace OtlpTap.Forward.Spool;

/// <summary>The system's files. What is created here is for the owner alone: the records carry the senders' headers.</summary>
internal sealed partial class DiskFiles : ISpoolFiles
{
    public static readonly DiskFiles Instance = new();

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public void CreateDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        var parent = Path.GetDirectoryName(Path.GetFullPath(path))!;
        CreateDirectory(parent);
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        }

        SyncDirectory(parent);
    }

    public IReadOnlyList<string> List(string directory) => [.. Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path))];

    // FileShare.None is flock(LOCK_EX) on Unix: it ends with the process, however that ends.
    public IDisposable Lock(string path) => OpenStream(path, FileMode.OpenOrCreate, FileShare.None);

    public ISpoolFile Create(string path) => new DiskFile(OpenStream(path, FileMode.CreateNew, FileShare.ReadWrite | FileShare.Delete));

    public ISpoolFile Open(string path) => new DiskFile(OpenStream(path, FileMode.Open, FileShare.ReadWrite | FileShare.Delete));

    public void Rename(string path, string newPath) => File.Move(path, newPath);

    public void Delete(string path) => File.Delete(path);

    public void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS journals directories; there is nothing to ask for
        }

        // The runtime opens no directories.
        using var directory = OpenReadOnly(path, flags: 0);
        if (directory.IsInvalid)
        {
            throw new IOException($"cannot open directory {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }

        if (Fsync(directory) != 0)
        {
            throw new IOException($"cannot sync directory {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private static FileStream OpenStream(string path, FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share, BufferSize = 0 };
        if (!OperatingSystem.IsWindows() && mode != FileMode.Open)
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return new FileStream(path, options);
    }

    // flags 0 is O_RDONLY on every Unix.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenReadOnly(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);

    private sealed class DiskFile(FileStream stream) : ISpoolFile
    {
        private readonly SafeFileHandle _handle = stream.SafeFileHandle;

        public long Length => RandomAccess.GetLength(_handle);

        public int Read(Span<byte> destination, long offset)
        {
            var total = 0;
            while (total < destination.Length)
            {
                var read = RandomAccess.Read(_handle, destination[total..], offset + total);
                if (read == 0)
                {
                    break;
                }

                total += read;
            }

            return total;
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset) => RandomAccess.Write(_handle, buffers, offset);

        public void SetLength(long length) => RandomAccess.SetLength(_handle, length);

        public void Sync() => RandomAccess.FlushToDisk(_handle);

        public void Dispose() => stream.Dispose();
    }
}
