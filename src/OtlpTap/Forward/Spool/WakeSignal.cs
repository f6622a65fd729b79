using System.Threading.Channels;

namespace OtlpTap.Forward.Spool;

/// <summary>Wakes one loop from any thread. However often it is set before the loop looks, the loop runs once more.</summary>
internal sealed class WakeSignal
{
    private readonly Channel<bool> _set = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public void Set() => _set.Writer.TryWrite(true);

    public async ValueTask WaitAsync() => await _set.Reader.ReadAsync();
}
