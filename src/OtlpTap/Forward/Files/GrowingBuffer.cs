using System.Buffers;

namespace OtlpTap.Forward.Files;

/// <summary>Bytes that are put together before they are written; what was added last can be taken back.</summary>
internal sealed class GrowingBuffer : IBufferWriter<byte>
{
    /// <summary>One huge request must not hold its memory for ever.</summary>
    private const int KeptBytesMax = 4 << 20;

    private byte[] _bytes = new byte[64 << 10];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        var needed = Length + Math.Max(sizeHint, 1);
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(needed, (int)Math.Min(2L * _bytes.Length, Array.MaxLength)));
        }

        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Writable bytes that were added already.</summary>
    public Span<byte> Written(int offset, int length) => _bytes.AsSpan(offset, length);

    /// <summary>Takes back all behind the first <paramref name="length"/> bytes.</summary>
    public void Truncate(int length) => Length = length;

    public void RemoveFirst(int length)
    {
        _bytes.AsSpan(length, Length - length).CopyTo(_bytes);
        Length -= length;
    }

    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptBytesMax)
        {
            _bytes = new byte[64 << 10];
        }
    }
}
