using System.Buffers.Binary;

namespace OtlpTap.Forward.Http2;

/// <summary>RFC 9113 section 6; types beyond these exist (extensions) and are passed over.</summary>
internal enum FrameType : byte
{
    Data = 0,
    Headers = 1,
    Priority = 2,
    RstStream = 3,
    Settings = 4,
    PushPromise = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// <summary>What a flag bit means depends on the frame's type: 0x1 ends a stream on DATA and HEADERS, and acknowledges on SETTINGS and PING.</summary>
internal static class FrameFlags
{
    public const byte None = 0;
    public const byte EndStream = 0x1;
    public const byte Ack = 0x1;
    public const byte EndHeaders = 0x4;
    public const byte Padded = 0x8;
    public const byte Priority = 0x20;
}

/// <summary>
/// The nine bytes in front of every frame (RFC 9113 section 4.1).
/// <code>
///   | length, 3 bytes big-endian | type | flags | 0 + stream id, 4 bytes big-endian | length bytes of payload
/// </code>
/// </summary>
internal readonly record struct FrameHeader(int Length, FrameType Type, byte Flags, int StreamId)
{
    public const int Size = 9;

    /// <summary>What every endpoint must accept, and all that this one does: SETTINGS_MAX_FRAME_SIZE is left at its default.</summary>
    public const int PayloadLengthMax = 16_384;

    public bool Has(byte flag) => (Flags & flag) != 0;

    /// <param name="source">At least <see cref="Size"/> bytes. The reserved bit is ignored, as the RFC demands.</param>
    public static FrameHeader Read(ReadOnlySpan<byte> source) => new(
        (source[0] << 16) | (source[1] << 8) | source[2],
        (FrameType)source[3],
        source[4],
        (int)(BinaryPrimitives.ReadUInt32BigEndian(source[5..]) & 0x7FFF_FFFF));

    public void Write(Span<byte> destination)
    {
        destination[0] = (byte)(Length >> 16);
        destination[1] = (byte)(Length >> 8);
        destination[2] = (byte)Length;
        destination[3] = (byte)Type;
        destination[4] = Flags;
        BinaryPrimitives.WriteInt32BigEndian(destination[5..], StreamId);
    }
}
