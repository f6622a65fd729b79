using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace OtlpTap.Detectors;

/// <summary>
/// Whether processors are scarce: as one thread feels it, which stood in their queue itself, or work waits for a thread of the
/// pool. For that one thread.
/// <para>
/// Linux tells nanoseconds on a processor, nanoseconds of waiting for one, and how often it came to run:
/// <c>/proc/thread-self/schedstat</c>, https://docs.kernel.org/scheduler/sched-stats.html. Where it does not, the pool alone is asked.
/// </para>
/// </summary>
/// <param name="schedulerStatistics">A file of that form.</param>
/// <param name="isQueued">Whether work waits for a thread of the pool.</param>
internal sealed class ProcessorWait(string schedulerStatistics, Func<bool> isQueued) : IDisposable
{
    public const string OfThisThread = "/proc/thread-self/schedstat";

    /// <summary>Of the time it wanted to run; a machine that is half idle makes a thread wait for a few percent.</summary>
    private const double ScarceShare = 0.2;

    private SafeFileHandle? _file;
    private bool _isMissing;
    private ulong _ran;
    private ulong _waited;

    /// <summary>Since it was asked last.</summary>
    public bool IsScarce()
    {
        if (!TryRead(out var ran, out var waited))
        {
            return isQueued();
        }

        var (hasRun, hasWaited) = (ran - _ran, waited - _waited);
        (_ran, _waited) = (ran, waited);
        return hasWaited > ScarceShare * (hasRun + hasWaited) || isQueued();
    }

    public void Dispose() => _file?.Dispose();

    private bool TryRead(out ulong ran, out ulong waited)
    {
        (ran, waited) = (0, 0);
        if (_isMissing)
        {
            return false;
        }

        try
        {
            // Opened by the thread whose it is, and read anew from its start each time.
            _file ??= File.OpenHandle(schedulerStatistics);
            Span<byte> bytes = stackalloc byte[64];
            ReadOnlySpan<byte> text = bytes[..RandomAccess.Read(_file, bytes, 0)];
            _isMissing = !Utf8Parser.TryParse(text, out ran, out var length) || length >= text.Length || !Utf8Parser.TryParse(text[(length + 1)..], out waited, out _);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _isMissing = true; // another system, or one that does not tell
        }

        return !_isMissing;
    }
}
