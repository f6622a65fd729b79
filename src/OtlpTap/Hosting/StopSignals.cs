using System.Runtime.InteropServices;

namespace OtlpTap.Hosting;

/// <summary>
/// SIGTERM and SIGINT: the first asks for a stop in order, a second one ends the process at once. Signals that come
/// together are one: <c>timeout</c>, shells and process managers signal the process and then its whole group.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>128 + SIGTERM, as shells report a process that a signal ended.</summary>
    private const int EndedBySecondSignal = 143;

    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _stop;
    private readonly TimeProvider _time;
    private readonly PosixSignalRegistration _terminate;
    private readonly PosixSignalRegistration _interrupt;
    private long _first;

    public StopSignals(CancellationTokenSource stop, TimeProvider time)
    {
        _stop = stop;
        _time = time;
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    }

    public void Dispose()
    {
        _terminate.Dispose();
        _interrupt.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        var first = Interlocked.CompareExchange(ref _first, _time.GetTimestamp(), 0);
        if (first == 0)
        {
            _stop.Cancel();
        }
        else if (_time.GetElapsedTime(first) > Together)
        {
            Environment.Exit(EndedBySecondSignal);
        }
    }
}
