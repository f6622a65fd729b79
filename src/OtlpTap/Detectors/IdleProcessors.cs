using System.Buffers.Text;

namespace OtlpTap.Detectors;

/// <summary>
/// Whether the processors that this process may use are nearly all at work: by its own doing, of as many as a container or an affinity
/// leave it, or by anybody's, as Linux tells of the machine. A thread that sleeps most of the time is let on at once even then,
/// and so does not feel that others wait for it. Not thread-safe.
/// <code>
///   cpu  USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL ...     ticks since the machine started, of all processors
/// </code>
/// Source: https://docs.kernel.org/filesystems/proc.html (1.7)
/// </summary>
/// <param name="path">A file of that form.</param>
/// <param name="used">Processor time of this process.</param>
/// <param name="count">How many processors it may use.</param>
internal sealed class IdleProcessors(string path, Func<TimeSpan> used, int count, TimeProvider time)
{
    public const string OfThisMachine = "/proc/stat";

    private const double FewShare = 0.15;
    private const int TicksPerSecond = 100;
    private const int Figures = 8;

    // Some twenty ticks.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly ProcFile _file = new(path);
    private long _at;
    private TimeSpan _used;
    private ulong _idle;
    private ulong _all;
    private bool _areFew;

    /// <summary>Since it was asked last, or a quarter of a second before where that was just now.</summary>
    public bool AreFew()
    {
        var now = time.GetTimestamp();
        var elapsed = time.GetElapsedTime(_at, now);
        if (_at != 0 && elapsed < Interval)
        {
            return _areFew;
        }

        // Both are asked: each tells of the time since it was asked last.
        _areFew = (AreUsed(elapsed) | AreBusy(elapsed)) & (_at != 0);
        _at = now;
        return _areFew;
    }

    private bool AreUsed(TimeSpan elapsed)
    {
        var before = _used;
        _used = used();
        return _used - before > (1 - FewShare) * count * elapsed;
    }

    // Of a machine of many processors one is enough: somebody else's work must not keep this process from it for good.
    private bool AreBusy(TimeSpan elapsed)
    {
        if (!TryRead(out var idle, out var all))
        {
            return false;
        }

        var (isIdle, passed) = (idle - _idle, all - _all);
        (_idle, _all) = (idle, all);
        return isIdle < Math.Min(FewShare * passed, TicksPerSecond * elapsed.TotalSeconds);
    }

    private bool TryRead(out ulong idle, out ulong all)
    {
        (idle, all) = (0, 0);
        Span<byte> bytes = stackalloc byte[256];
        var text = _file.Read(bytes);
        if (!text.StartsWith("cpu "u8))
        {
            return false;
        }

        text = text["cpu".Length..];
        for (var i = 0; i < Figures; i++)
        {
            text = text.TrimStart((byte)' ');
            if (!Utf8Parser.TryParse(text, out ulong ticks, out var length))
            {
                return false;
            }

            // The fourth and the fifth: idle, and idle while a disk is waited for.
            idle += i is 3 or 4 ? ticks : 0;
            all += ticks;
            text = text[length..];
        }

        return true;
    }
}
