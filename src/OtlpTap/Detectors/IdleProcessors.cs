using System.Buffers.Text;

namespace OtlpTap.Detectors;

/// <summary>
/// Whether the machine's processors are nearly all at work, as Linux tells. A thread that sleeps most of the time is let on at once
/// even then, and so does not feel that others wait for it. What runs at low priority (nice) leaves its processor to whoever wants it, and counts as idle.
/// Not thread-safe.
/// <code>
///   cpu  USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL ...     ticks since the machine started, of all processors
/// </code>
/// Source: https://docs.kernel.org/filesystems/proc.html (1.7)
/// </summary>
/// <param name="path">A file of that form.</param>
internal sealed class IdleProcessors(string path, TimeProvider time)
{
    public const string OfThisMachine = "/proc/stat";

    private const double FewShare = 0.15;
    private const int Figures = 8;

    // A tick is ten milliseconds.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly ProcFile _file = new(path);
    private long _at;
    private ulong _idle;
    private ulong _all;
    private bool _areFew;

    /// <summary>In the last quarter of a second or so. False where the system does not tell.</summary>
    public bool AreFew()
    {
        var now = time.GetTimestamp();
        if ((_at != 0 && time.GetElapsedTime(_at, now) < Interval) || !TryRead(out var idle, out var all))
        {
            return _areFew;
        }

        _areFew = _at != 0 && idle - _idle < FewShare * (all - _all);
        (_at, _idle, _all) = (now, idle, all);
        return _areFew;
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

            // The second, the fourth and the fifth: nice, idle, and idle while a disk is waited for.
            idle += i is 1 or 3 or 4 ? ticks : 0;
            all += ticks;
            text = text[length..];
        }

        return true;
    }
}
