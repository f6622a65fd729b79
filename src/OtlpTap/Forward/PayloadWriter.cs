using System.Buffers;
using OtlpTap.Buffers;

namespace OtlpTap.Forward;

/// <summary>
/// A message of unknown length, written into payloads of the pool: when one is full, twice as large a one takes its place,
/// with credit for both while it is copied. Where there is none, or no array can be as long, the rest is written over
/// itself: a writer in the midst of a message has no way to be told.
/// </summary>
internal sealed class PayloadWriter(EncodingCredit credit) : IBufferWriter<byte>, IDisposable
{
    private Payload? _payload;
    private int _written;

    /// <summary>There was no credit for all of it.</summary>
    public bool IsOutOfCredit { get; private set; }

    /// <summary>No array takes all of it.</summary>
    public bool IsTooLong { get; private set; }

    private bool IsCut => IsOutOfCredit || IsTooLong;

    /// <summary>False when there is no credit to begin with.</summary>
    public bool TryBegin(int lengthExpected)
    {
        _payload = credit.TryRent(lengthExpected);
        IsOutOfCredit = _payload is null;
        return !IsOutOfCredit;
    }

    public void Advance(int count) => _written += IsCut ? 0 : count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var needed = _written + (long)Math.Max(1, sizeHint);
        if (!IsCut && needed > _payload!.Length)
        {
            Grow(needed);
        }

        return IsCut ? new byte[Math.Max(sizeHint, 256)] : _payload!.WritableMemory[_written..];
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>What was written, whole; the caller releases it.</summary>
    public Payload Take()
    {
        var payload = _payload!;
        _payload = null;
        payload.Shrink(_written);
        return payload;
    }

    public void Dispose()
    {
        if (_payload is { } payload)
        {
            credit.Release(payload);
            _payload = null;
        }
    }

    private void Grow(long needed)
    {
        var lengthMax = Array.MaxLength - Payload.FrameHeaderLength;
        IsTooLong = needed > lengthMax;
        if (IsTooLong)
        {
            return;
        }

        var old = _payload!;
        if (credit.TryRent((int)Math.Min(lengthMax, Math.Max(needed, 2L * old.Length))) is not { } larger)
        {
            IsOutOfCredit = true;
            return;
        }

        old.Span[.._written].CopyTo(larger.Writable);
        credit.Release(old);
        _payload = larger;
    }
}
