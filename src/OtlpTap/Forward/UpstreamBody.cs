using System.Buffers.Binary;
using OtlpTap.Buffers;

namespace OtlpTap.Forward;

/// <summary>
/// The message of one upstream call: one payload, or several whose bytes follow each other. Serialized
/// <c>Export*ServiceRequest</c>s concatenate to their union, because the only field is repeated
/// (protobuf encoding, "Last One Wins": "merging concatenates repeated fields").
/// <code>
///   one:      payload.Frame
///   several:  | 0 | sum of lengths, 4 bytes big-endian | payloads[0].Message | payloads[1].Message | ...
/// </code>
/// </summary>
internal readonly struct UpstreamBody
{
    private readonly Payload? _single;
    private readonly ReadOnlyMemory<Payload> _joined;

    public UpstreamBody(Payload single)
    {
        _single = single;
        MessageLength = single.Length;
    }

    /// <param name="joined">At least one; the memory stays unchanged until the call has ended.</param>
    public UpstreamBody(ReadOnlyMemory<Payload> joined)
    {
        _joined = joined;
        var length = 0;
        foreach (var payload in joined.Span)
        {
            length = checked(length + payload.Length);
        }

        MessageLength = length;
    }

    /// <summary>How many payloads; 1 means that <c>body[0].Frame</c> is the whole body.</summary>
    public int Count => _single is null ? _joined.Length : 1;

    public Payload this[int index] => _single ?? _joined.Span[index];

    /// <summary>The sum of the payloads' lengths, without the frame header.</summary>
    public int MessageLength { get; }

    /// <summary>What goes into DATA frames: header and message.</summary>
    public int WireLength => Payload.FrameHeaderLength + MessageLength;

    /// <summary>Writes the five bytes in front of the joined messages (gRPC over HTTP/2, "Length-Prefixed-Message").</summary>
    public void WriteFrameHeader(Span<byte> destination)
    {
        destination[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(destination[1..], (uint)MessageLength);
    }
}
