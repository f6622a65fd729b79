using System.Collections.Concurrent;

namespace OtlpTap.Scan;

/// <summary>Scan results at rest. Bounded by entries: more than are ever in use at once is not worth keeping.</summary>
internal sealed class ScanResultPool
{
    private const int RetainedMax = 4096;

    private readonly ConcurrentQueue<ScanResult> _free = new();

    public ScanResult Rent() => _free.TryDequeue(out var result) ? result : new ScanResult();

    public void Return(ScanResult result)
    {
        if (_free.Count < RetainedMax)
        {
            _free.Enqueue(result);
        }
    }
}
