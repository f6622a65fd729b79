using System.Buffers.Text;

namespace OtlpTap.Detectors;

/// <summary>
/// How long a thread stands in the queue for a processor, as Linux tells: nanoseconds on a processor, nanoseconds of waiting for
/// one, and how often it came to run. For that one thread.
/// Source: https://docs.kernel.org/scheduler/sched-stats.html
/// </summary>
/// <param name="path">A file of that form.</param>
internal sealed class ProcessorWait(string path)
{
    public const string OfThisThread = "/proc/thread-self/schedstat";

    /// <summary>Of the time it wanted to run; on a machine that is half idle it is a few percent.</summary>
    private const double LongShare = 0.2;

    private readonly ProcFile _file = new(path);
    private ulong _ran;
    private ulong _waited;

    /// <summary>Since it was asked last. False where the system does not tell.</summary>
    public bool IsLong()
    {
        Span<byte> bytes = stackalloc byte[64];
        var text = _file.Read(bytes);
        if (!Utf8Parser.TryParse(text, out ulong ran, out var length) || length >= text.Length || !Utf8Parser.TryParse(text[(length + 1)..], out ulong waited, out _))
        {
            return false;
        }

        var (hasRun, hasWaited) = (ran - _ran, waited - _waited);
        (_ran, _waited) = (ran, waited);
        return hasWaited > LongShare * (hasRun + hasWaited);
    }
}
