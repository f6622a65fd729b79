using System.Buffers;

namespace OtlpTap.Receive;

/// <summary>
/// A message's bytes for a decompressor to read. The last one is given alone: a decompressor reads ahead, and asks for
/// that byte only where its stream does not end before it. So it shows whether something stands behind the end.
/// </summary>
internal sealed class SequenceStream(ReadOnlySequence<byte> bytes) : Stream
{
    private ReadOnlySequence<byte> _left = bytes;

    /// <summary>Whether all bytes were asked for.</summary>
    public bool IsRead => _left.IsEmpty;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var length = (int)Math.Min(buffer.Length, _left.Length > 1 ? _left.Length - 1 : _left.Length);
        _left.Slice(0, length).CopyTo(buffer);
        _left = _left.Slice(length);
        return length;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
