using System.Diagnostics;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// What goes to the socket in one send: frames of many streams, small things copied behind each other, large pieces of
/// bodies by reference between them.
/// <code>
///   _buffer:    | control frames | HEADERS a | DATA a: header + small body | DATA b: header |  DATA b: header | ... |
///   segments:   [------------------------------------------------------------------------] [body of b] [-----...
/// </code>
/// Used by the one writer of a connection.
/// </summary>
/// <param name="copyBytesMax">
/// Longer pieces are referenced. Copying a piece costs its bytes once more; referencing it costs an entry in the gather
/// list, and a pin. A transport that must see one buffer (TLS) copies everything.
/// </param>
internal sealed class SendBatch(int copyBytesMax)
{
    /// <summary>A full turn of one stream with its frame headers, all copied, and room for the control frames in front.</summary>
    public const int BufferLength = 128 << 10;

    /// <summary>A bound on how long other streams and control frames wait behind one send.</summary>
    public const int LengthMax = 256 << 10;

    /// <summary>For TLS, where only bytes in one piece can be encrypted in place.</summary>
    public const int CopyAlways = int.MaxValue;

    // Pinned for good: it is handed to the kernel in every send.
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferLength, pinned: true);
    private readonly List<ArraySegment<byte>> _segments = [];
    private readonly List<Http2Call> _referenced = [];
    private int _used;
    private int _openFrom;

    public int Length { get; private set; }

    /// <summary>Bytes that still fit, whether they are copied or referenced.</summary>
    public int Room => Math.Min(BufferLength - _used, LengthMax - Length);

    /// <summary>The calls whose body bytes stand in the batch, once for each piece.</summary>
    public List<Http2Call> Referenced => _referenced;

    /// <summary>What to send. The list is the batch's own, and changes with <see cref="Reset"/>.</summary>
    public List<ArraySegment<byte>> Segments
    {
        get
        {
            CloseSegment();
            return _segments;
        }
    }

    public void Reset()
    {
        Debug.Assert(_referenced.Count == 0, "The calls of the last send were not let go.");
        _segments.Clear();
        _used = 0;
        _openFrom = 0;
        Length = 0;
    }

    public void Copy(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
        Length += bytes.Length;
    }

    public void Add(in FrameHeader header)
    {
        header.Write(_buffer.AsSpan(_used));
        _used += FrameHeader.Size;
        Length += FrameHeader.Size;
    }

    /// <summary>Adds a piece of the body of <paramref name="call"/>; when it is not copied, the call is held until the send has ended.</summary>
    public void AddBody(Http2Call call, ArraySegment<byte> piece)
    {
        if (piece.Count <= copyBytesMax)
        {
            Copy(piece);
            return;
        }

        CloseSegment();
        _segments.Add(piece);
        Length += piece.Count;
        call.Hold();
        _referenced.Add(call);
    }

    private void CloseSegment()
    {
        if (_used > _openFrom)
        {
            _segments.Add(new ArraySegment<byte>(_buffer, _openFrom, _used - _openFrom));
            _openFrom = _used;
        }
    }
}
