using System.Buffers;
using OtlpTap.Buffers;

namespace OtlpTap.Forward;

/// <summary>A message of unknown length, written into payloads of the pool: when one is full, twice as large a one takes its place.</summary>
internal sealed class PayloadWriter(PayloadPool pool, int lengthExpected) : IBufferWriter<byte>, IDisposable
{
    private Payload? _payload = pool.Rent(lengthExpected);
    private int _written;

    public void Advance(int count) => _written += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var payload = Reserve(sizeHint);
        return payload.WritableMemory[_written..];
    }

    public Span<byte> GetSpan(int sizeHint = 0) => Reserve(sizeHint).Writable[_written..];

    /// <summary>What was written; the caller releases it.</summary>
    public Payload Take()
    {
        var payload = _payload!;
        _payload = null;
        payload.Shrink(_written);
        return payload;
    }

    public void Dispose()
    {
        _payload?.Release();
        _payload = null;
    }

    private Payload Reserve(int sizeHint)
    {
        var payload = _payload!;
        var needed = checked(_written + Math.Max(1, sizeHint));
        if (needed <= payload.Length)
        {
            return payload;
        }

        var larger = pool.Rent((int)Math.Min(Array.MaxLength - Payload.FrameHeaderLength, Math.Max(needed, 2L * payload.Length)));
        payload.Span[.._written].CopyTo(larger.Writable);
        payload.Release();
        _payload = larger;
        return larger;
    }
}
