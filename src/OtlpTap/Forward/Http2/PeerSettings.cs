using System.Buffers.Binary;

namespace OtlpTap.Forward.Http2;

/// <summary>
/// What the peer announced (RFC 9113 section 6.5.2). Values start at the protocol's defaults.
/// <code>
///   SETTINGS payload:  | id, 2 bytes | value, 4 bytes |  repeated; ids not listed here are passed over
/// </code>
/// </summary>
internal sealed class PeerSettings
{
    private const int EntrySize = 6;

    public uint MaxConcurrentStreams { get; private set; } = uint.MaxValue;

    public int InitialWindowSize { get; private set; } = FlowWindow.Initial;

    public int MaxFrameSize { get; private set; } = FrameHeader.PayloadLengthMax;

    public uint MaxHeaderListSize { get; private set; } = uint.MaxValue;

    public Violation Apply(ReadOnlySpan<byte> payload)
    {
        if (payload.Length % EntrySize != 0)
        {
            return Violation.FrameSize("SETTINGS of a broken length");
        }

        for (; !payload.IsEmpty; payload = payload[EntrySize..])
        {
            var id = BinaryPrimitives.ReadUInt16BigEndian(payload);
            var value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            switch (id)
            {
                case 2 when value != 0:
                    return Violation.Protocol("a server that enables push");
                case 3:
                    MaxConcurrentStreams = value;
                    break;
                case 4 when value > FlowWindow.Max:
                    return Violation.FlowControl("an initial window beyond 2^31-1");
                case 4:
                    InitialWindowSize = (int)value;
                    break;
                case 5 when value is < FrameHeader.PayloadLengthMax or > 16_777_215:
                    return Violation.Protocol("a frame size outside 16384 to 16777215");
                case 5:
                    MaxFrameSize = (int)value;
                    break;
                case 6:
                    MaxHeaderListSize = value;
                    break;
            }
        }

        return Violation.None;
    }
}
