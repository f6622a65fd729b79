using System.Buffers.Binary;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// The frames without body bytes that wait for the next send. They go in front of it, in their order.
/// The buffer is bounded: answers to the peer's frames stop at <see cref="AnswerBytesMax"/> (a peer that asks without
/// reading is cut off), and there is at most one RST_STREAM of 13 bytes for each of <see cref="Http2Connection.StreamsMax"/> streams.
/// </summary>
internal sealed class ControlFrames
{
    public const int AnswerBytesMax = 16 << 10;

    private readonly byte[] _bytes = new byte[(32 << 10) + (Http2Connection.StreamsMax * 13)];

    public int Length { get; private set; }

    /// <summary>Frames were lost for want of room: the peer has played with the limits, and the connection must end.</summary>
    public bool HasOverflowed { get; private set; }

    public bool IsFull => Length > AnswerBytesMax;

    public void Clear() => Length = 0;

    public void MoveTo(SendBatch batch)
    {
        batch.Copy(_bytes.AsSpan(0, Length));
        Length = 0;
    }

    /// <summary>
    /// The first bytes of a connection (RFC 9113 section 3.4), and what this side announces: no pushes, and windows in
    /// which a whole answer fits.
    /// </summary>
    public void AddPreface(int streamWindow, int connectionWindow)
    {
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.CopyTo(_bytes.AsSpan(Length));
        Length += 24;
        var settings = Add(FrameType.Settings, FrameFlags.None, 0, 18);
        WriteSetting(settings, 2, 0);
        WriteSetting(settings[6..], 4, (uint)streamWindow);
        WriteSetting(settings[12..], 6, Http2Connection.HeaderBytesMax);
        AddWindowUpdate(0, connectionWindow - FlowWindow.Initial);
    }

    public void AddSettingsAck() => Add(FrameType.Settings, FrameFlags.Ack, 0, 0);

    public void AddPing(ulong payload, bool isAck) =>
        BinaryPrimitives.WriteUInt64BigEndian(Add(FrameType.Ping, isAck ? FrameFlags.Ack : FrameFlags.None, 0, 8), payload);

    public void AddWindowUpdate(int streamId, int bytes) =>
        BinaryPrimitives.WriteInt32BigEndian(Add(FrameType.WindowUpdate, FrameFlags.None, streamId, 4), bytes);

    public void AddReset(int streamId, Http2ErrorCode code) =>
        BinaryPrimitives.WriteUInt32BigEndian(Add(FrameType.RstStream, FrameFlags.None, streamId, 4), (uint)code);

    /// <summary>The last stream of the peer's is always 0: it has none, pushes being off.</summary>
    public void AddGoAway(Http2ErrorCode code) =>
        BinaryPrimitives.WriteUInt64BigEndian(Add(FrameType.GoAway, FrameFlags.None, 0, 8), (uint)code);

    private Span<byte> Add(FrameType type, byte flags, int streamId, int length)
    {
        if (Length + FrameHeader.Size + length > _bytes.Length)
        {
            HasOverflowed = true;
            Length = 0;
        }

        new FrameHeader(length, type, flags, streamId).Write(_bytes.AsSpan(Length));
        var payload = _bytes.AsSpan(Length + FrameHeader.Size, length);
        Length += FrameHeader.Size + length;
        return payload;
    }

    private static void WriteSetting(Span<byte> destination, ushort id, uint value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, id);
        BinaryPrimitives.WriteUInt32BigEndian(destination[2..], value);
    }
}
