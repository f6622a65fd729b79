using System.Buffers;

namespace OtlpTap.Corpus;

/// <summary>
/// Takes what a JSON writer writes on to a stream piece by piece (over a stream, the writer would keep all of it until
/// its end) and stops it at a bound.
/// </summary>
internal sealed class BoundedOutput(Stream stream, long bytesMax) : IBufferWriter<byte>, IDisposable
{
    private const int PieceBytes = 64 << 10;

    private byte[] _piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
    private int _filled;
    private long _written;

    public void Advance(int count) => _filled += count;

    /// <exception cref="FullException">The bound is reached.</exception>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_piece.Length - _filled < Math.Max(sizeHint, 1))
        {
            Flush();
            if (_piece.Length < sizeHint)
            {
                ArrayPool<byte>.Shared.Return(_piece);
                _piece = ArrayPool<byte>.Shared.Rent(sizeHint);
            }
        }

        return _piece.AsMemory(_filled);
    }

    /// <exception cref="FullException">The bound is reached.</exception>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <exception cref="FullException">The bound is reached.</exception>
    public void Flush()
    {
        _written += _filled;
        if (_written > bytesMax)
        {
            _filled = 0;
            throw new FullException();
        }

        stream.Write(_piece, 0, _filled);
        _filled = 0;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_piece);

    /// <summary>Nothing else stops a writer that is deep in a trace.</summary>
    public sealed class FullException : Exception;
}
