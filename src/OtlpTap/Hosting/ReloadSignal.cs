using System.Runtime.InteropServices;

namespace OtlpTap.Hosting;

/// <summary>SIGHUP: the configuration is read again. What comes of it stands in the log.</summary>
internal sealed class ReloadSignal : IDisposable
{
    private readonly PosixSignalRegistration _hangUp;

    /// <param name="stop">Once it fires nothing is read again.</param>
    public ReloadSignal(TapHost tap, CancellationToken stop) => _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
    {
        signal.Cancel = true;
        if (!stop.IsCancellationRequested)
        {
            _ = tap.ReloadAsync(CancellationToken.None);
        }
    });

    public void Dispose() => _hangUp.Dispose();
}
