using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OtlpTap.Tests;

/// <summary>
/// What work on one thread takes of the processor: the same however many others want the processor as well, so that it can be
/// held to a bound on any machine. Where the system is not asked for it, the time that passes.
/// </summary>
internal static partial class ProcessorTime
{
    // time.h of Linux.
    private const int ThreadClock = 3;

    public static TimeSpan OfThisThread
    {
        get
        {
            if (!OperatingSystem.IsLinux())
            {
                return Stopwatch.GetElapsedTime(0);
            }

            return GetTime(ThreadClock, out var time) == 0
                ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / TimeSpan.NanosecondsPerTick)
                : throw new InvalidOperationException($"clock_gettime: error {Marshal.GetLastPInvokeError()}");
        }
    }

    /// <param name="work">On this thread alone: what it leaves to others is not seen.</param>
    public static TimeSpan Of(Action work)
    {
        var started = OfThisThread;
        work();
        return OfThisThread - started;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    private static partial int GetTime(int clock, out TimeOfClock time);

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeOfClock
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}

/// <summary>For work on one thread that ends when its time is over: a stalled machine takes none of it.</summary>
internal sealed class ProcessorClock : TimeProvider
{
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => ProcessorTime.OfThisThread.Ticks;
}
