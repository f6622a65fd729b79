namespace OtlpTap.Forward.Spool;

/// <summary>
/// A file that is gone through from its beginning to its end: small reads come from a piece that was read at once. A call
/// for each header costs a second for every few million records. For one thread.
/// </summary>
internal sealed class ReadAhead(ISpoolFile file) : ISpoolFile
{
    // Of records larger than this only so much is read, and the rest passed over.
    private const int PieceBytes = 16 << 10;

    private readonly byte[] _piece = new byte[PieceBytes];
    private long _start;
    private int _length;

    public long Length => file.Length;

    public int Read(Span<byte> destination, long offset)
    {
        if (destination.Length > PieceBytes)
        {
            return file.Read(destination, offset);
        }

        if (offset < _start || offset + destination.Length > _start + _length)
        {
            _length = 0; // nothing of it holds where the read fails
            var read = file.Read(_piece, offset);
            (_start, _length) = (offset, read);
        }

        var available = (int)Math.Clamp(_start + _length - offset, 0, destination.Length);
        _piece.AsSpan((int)(offset - _start), available).CopyTo(destination);
        return available;
    }

    public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset)
    {
        _length = 0;
        file.Write(buffers, offset);
    }

    public void SetLength(long length)
    {
        _length = 0;
        file.SetLength(length);
    }

    public void Sync() => file.Sync();

    public void Dispose() => file.Dispose();
}
