using System.Buffers;

namespace OtlpTap.Judges;

/// <summary>Takes all that is written, and keeps it as long as it is not more than <paramref name="bytesMax"/>.</summary>
internal sealed class BoundedBytes(int bytesMax) : IBufferWriter<byte>
{
    private readonly ArrayBufferWriter<byte> _kept = new();

    public bool IsOver { get; private set; }

    public byte[] ToArray() => _kept.WrittenSpan.ToArray();

    public void Advance(int count)
    {
        _kept.Advance(count);
        if (_kept.WrittenCount > bytesMax)
        {
            IsOver = true;
            _kept.ResetWrittenCount();
        }
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => _kept.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => _kept.GetSpan(sizeHint);
}
