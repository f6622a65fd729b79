using System.Collections.Concurrent;

namespace OtlpTap.Scan;

/// <summary>Scan results at rest, bounded by the bytes of their arrays: one large request must not be remembered for ever.</summary>
internal sealed class ScanResultPool(long retainedBytesMax = ScanResultPool.RetainedBytesMaxDefault)
{
    /// <summary>The steady state of 4,096 results in use (the tee's included) at about 2 KiB each.</summary>
    public const long RetainedBytesMaxDefault = 8L << 20;

    private readonly ConcurrentQueue<ScanResult> _free = new();
    private long _retainedBytes;

    public long RetainedBytes => Volatile.Read(ref _retainedBytes);

    public ScanResult Rent()
    {
        if (!_free.TryDequeue(out var result))
        {
            return new ScanResult();
        }

        Interlocked.Add(ref _retainedBytes, -result.RetainedBytes);
        return result;
    }

    public void Return(ScanResult result)
    {
        var bytes = result.RetainedBytes;
        if (Interlocked.Add(ref _retainedBytes, bytes) > retainedBytesMax)
        {
            Interlocked.Add(ref _retainedBytes, -bytes);
            return;
        }

        _free.Enqueue(result);
    }
}
