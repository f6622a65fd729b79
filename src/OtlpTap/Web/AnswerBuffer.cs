using System.Buffers;
using OtlpTap.Buffers;

namespace OtlpTap.Web;

/// <summary>
/// An answer while it is made and sent, in pieces that count against a bound and are given back as they are sent. Where the bound is
/// reached it takes no more: what is written then is thrown away, and <see cref="IsRefused"/> says so.
/// </summary>
/// <param name="bytes">What all answers may have.</param>
/// <param name="client">Whose share of it this one takes.</param>
internal sealed class AnswerBuffer(ClientShares bytes, string client) : IBufferWriter<byte>, IDisposable
{
    /// <summary>Not counted, so that small answers are given at all times: a megabyte for all connections of the admin port.</summary>
    public const int FirstPieceBytes = 4 << 10;

    private const int PieceBytes = 64 << 10;

    private readonly Queue<Piece> _pieces = [];
    private Piece? _current;
    private long _counted;

    public bool IsRefused { get; private set; }

    public long Length { get; private set; }

    public void Advance(int count)
    {
        _current!.Used += count;
        Length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (IsRefused)
        {
            _current!.Used = 0;
        }

        if (_current is null || _current.Left < Math.Max(sizeHint, 1))
        {
            Extend(sizeHint);
        }

        return _current!.Array.AsMemory(_current.Used);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <summary>Sends what there is; each piece is let go once the connection has taken it.</summary>
    public async Task SendAsync(Stream to, CancellationToken cancellation)
    {
        while (_pieces.TryPeek(out var piece))
        {
            await to.WriteAsync(piece.Array.AsMemory(0, piece.Used), cancellation);
            Drop(_pieces.Dequeue());
        }

        _current = null;
    }

    public void Dispose()
    {
        while (_pieces.TryDequeue(out var piece))
        {
            Drop(piece);
        }

        _current = null;
    }

    private void Extend(int sizeHint)
    {
        var isFirst = _pieces.Count == 0 && sizeHint <= FirstPieceBytes;
        var array = ArrayPool<byte>.Shared.Rent(isFirst ? FirstPieceBytes : Math.Max(sizeHint, PieceBytes));
        var isCounted = !isFirst && !IsRefused && bytes.TryGrow(client, _counted, array.Length);
        if (IsRefused || (!isFirst && !isCounted))
        {
            IsRefused = true;
            Dispose();
        }

        _counted += isCounted ? array.Length : 0;
        _current = new Piece(array, isCounted);
        _pieces.Enqueue(_current);
    }

    private void Drop(Piece piece)
    {
        if (piece.IsCounted)
        {
            _counted -= piece.Array.Length;
            bytes.Return(client, piece.Array.Length);
        }

        ArrayPool<byte>.Shared.Return(piece.Array);
    }

    private sealed class Piece(byte[] array, bool isCounted)
    {
        public byte[] Array => array;

        public bool IsCounted => isCounted;

        public int Used { get; set; }

        public int Left => array.Length - Used;
    }
}
