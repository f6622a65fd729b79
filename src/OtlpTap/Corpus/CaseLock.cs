namespace OtlpTap.Corpus;

/// <summary>
/// One at a time changes a case's file: the tap while it captures, the command line, a rerun. A file in the corpus that is
/// opened for oneself alone; the system lets go of it when a process dies.
/// </summary>
internal sealed class CaseLock : IDisposable
{
    private const string FileName = ".lock";

    // A change takes milliseconds; who holds it for longer hangs.
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(5);

    private readonly FileStream _file;

    private CaseLock(FileStream file) => _file = file;

    /// <exception cref="IOException">It cannot be had in time, or the folder cannot be written to.</exception>
    public static CaseLock Take(string root)
    {
        FileStream? file = null;
        var path = Path.Combine(root, FileName);
        return SpinWait.SpinUntil(() => (file = TryOpen(path)) is not null, WaitMax)
            ? new CaseLock(file!)
            : throw new IOException($"{path} is held by another process for more than {WaitMax.TotalSeconds:0} s");
    }

    public void Dispose() => _file.Dispose();

    private static FileStream? TryOpen(string path)
    {
        // The error numbers of a file in use: https://github.com/dotnet/runtime, Interop.IOErrors.cs, and of Windows.
        const int WouldBlock = 11;
        const int WouldBlockOnMac = 35;
        const int SharingViolation = unchecked((int)0x80070020);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException inUse) when (inUse.HResult is WouldBlock or WouldBlockOnMac or SharingViolation)
        {
            return null;
        }
    }
}
