using System.Collections.Concurrent;
using System.Numerics;

namespace OtlpTap.Buffers;

/// <summary>
/// Payloads with their arrays, by size class (two classes for each power of two, so that at most a third is slack).
/// <see cref="System.Buffers.ArrayPool{T}.Shared"/> keeps 32 arrays of a size for each core and gives the rest to the
/// collector; a tap with 512 requests in flight needs more, and an array of 85,000 bytes or more is paid for with a
/// full collection.
/// </summary>
internal sealed class PayloadPool(long retainedBytesMax = PayloadPool.RetainedBytesMaxDefault)
{
    /// <summary>What idle payloads may hold: the steady state of 512 requests of 64 KiB in flight.</summary>
    public const long RetainedBytesMaxDefault = 48L << 20;

    /// <summary>
    /// What may be let go until the collector is asked to look. It lets large arrays lie until hundreds of MiB of them
    /// have come together: bombs of 16 MiB made a tap that holds 64 MiB in flight take 620.
    /// </summary>
    private const long DiscardedBytesMax = 32L << 20;

    private const int SmallestLog2 = 10;
    private const int LargestLog2 = 27;

    private readonly ConcurrentQueue<Payload>[] _free = CreateClasses();
    private long _retainedBytes;
    private long _discardedBytes;

    public long RetainedBytes => Volatile.Read(ref _retainedBytes);

    /// <summary>A payload of exactly <paramref name="length"/> message bytes of undefined content, with one reference held by the caller.</summary>
    public Payload Rent(int length)
    {
        var index = ClassFor(length);
        Payload? payload = null;
        if (index < _free.Length && _free[index].TryDequeue(out payload))
        {
            Interlocked.Add(ref _retainedBytes, -payload.Capacity);
        }

        payload ??= new Payload(this, GC.AllocateUninitializedArray<byte>((index < _free.Length ? SizeOf(index) : length) + Payload.FrameHeaderLength));
        payload.Rent(length);
        return payload;
    }

    internal void Return(Payload payload)
    {
        var index = ClassFor(payload.Capacity - Payload.FrameHeaderLength);
        if (index >= _free.Length)
        {
            Discarded(payload.Capacity);
            return;
        }

        if (Interlocked.Add(ref _retainedBytes, payload.Capacity) > retainedBytesMax)
        {
            Interlocked.Add(ref _retainedBytes, -payload.Capacity);
            Discarded(payload.Capacity);
            return;
        }

        _free[index].Enqueue(payload);
    }

    private void Discarded(int bytes)
    {
        if (Interlocked.Add(ref _discardedBytes, bytes) > DiscardedBytesMax && Interlocked.Exchange(ref _discardedBytes, 0) > DiscardedBytesMax)
        {
            // In the background, while requests go on. Compacting would move what lives, and large arrays lie where they lie.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false, compacting: false);
        }
    }

    // Class 2k holds messages of 2^(10+k) bytes, which limits are as a rule, class 2k+1 one and a half times that.
    private static int SizeOf(int index)
    {
        var power = 1 << (SmallestLog2 + (index >> 1));
        return (index & 1) == 0 ? power : power + (power >> 1);
    }

    private static int ClassFor(int size)
    {
        if (size <= 1 << SmallestLog2)
        {
            return 0;
        }

        var log2 = BitOperations.Log2((uint)(size - 1));
        var half = 1 << (log2 - 1);
        var index = (log2 - SmallestLog2) << 1;
        return size <= (1 << log2) + half ? index + 1 : index + 2;
    }

    private static ConcurrentQueue<Payload>[] CreateClasses()
    {
        var classes = new ConcurrentQueue<Payload>[((LargestLog2 - SmallestLog2) << 1) + 1];
        for (var i = 0; i < classes.Length; i++)
        {
            classes[i] = new ConcurrentQueue<Payload>();
        }

        return classes;
    }
}
