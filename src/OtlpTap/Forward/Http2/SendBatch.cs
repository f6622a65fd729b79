namespace OtlpTap.Forward.Http2;

/// <summary>
/// What goes to the socket in one send: frames of many streams, copied behind each other.
/// <code>
///   | control frames | HEADERS a | DATA a | HEADERS b | DATA b ... | DATA c | DATA b | ... |
/// </code>
/// Copying bodies instead of handing pieces of them to a gather send was measured, not assumed: 65 KB and 356 KB
/// bodies cost the same CPU either way (the pins and the list of a gather send eat what the copy saves), and a copied
/// body is nobody's concern any more, whereas a referenced one binds its call to a send that may wait for the peer.
/// Used by the one writer of a connection.
/// </summary>
internal sealed class SendBatch
{
    /// <summary>
    /// A 356 KB request takes three sends (SocketsHttpHandler: 22). It also bounds what other streams and control frames
    /// wait behind, and what is copied under the gate at a time: some ten microseconds.
    /// </summary>
    public const int LengthMax = 128 << 10;

    // Pinned for good: it is handed to the kernel in every send.
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(LengthMax, pinned: true);

    public int Length { get; private set; }

    public int Room => LengthMax - Length;

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, Length);

    public void Clear() => Length = 0;

    public void Copy(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(Length));
        Length += bytes.Length;
    }

    public void Add(in FrameHeader header)
    {
        header.Write(_buffer.AsSpan(Length));
        Length += FrameHeader.Size;
    }
}
