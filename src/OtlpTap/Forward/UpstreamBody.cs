using System.Buffers.Binary;
using OtlpTap.Buffers;

namespace OtlpTap.Forward;

/// <summary>
/// The message of one upstream call: one payload, or several whose bytes follow each other. Serialized
/// <c>Export*ServiceRequest</c>s concatenate to their union, because the only field is repeated
/// (protobuf encoding, "Last One Wins": "merging concatenates repeated fields").
/// <code>
///   one:        payload.Frame
///   compressed: | 1 | length, 4 bytes big-endian | payload.Message |
///   several:    | 0 | sum of lengths, 4 bytes big-endian | payloads[0].Message | payloads[1].Message | ...
/// </code>
/// </summary>
internal readonly struct UpstreamBody
{
    private readonly Payload? _single;
    private readonly ReadOnlyMemory<Payload> _joined;

    public UpstreamBody(Payload single)
        : this(single, Compression.None)
    {
    }

    /// <param name="compression">How the bytes of <paramref name="single"/> are compressed.</param>
    public UpstreamBody(Payload single, Compression compression)
    {
        _single = single;
        Compression = compression;
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

    /// <summary>How the message is compressed already.</summary>
    public Compression Compression { get; }

    /// <summary><c>body[0].Frame</c> is the whole body.</summary>
    public bool IsFrame => Count == 1 && Compression == Compression.None;

    /// <summary>How many payloads.</summary>
    public int Count => _single is null ? _joined.Length : 1;

    public Payload this[int index] => _single ?? _joined.Span[index];

    /// <summary>The sum of the payloads' lengths, without the frame header.</summary>
    public int MessageLength { get; }

    /// <summary>What goes into DATA frames: header and message.</summary>
    public int WireLength => Payload.FrameHeaderLength + MessageLength;

    /// <summary>Writes the five bytes in front of joined or compressed messages (gRPC over HTTP/2, "Length-Prefixed-Message").</summary>
    public void WriteFrameHeader(Span<byte> destination)
    {
        destination[0] = Compression == Compression.None ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteUInt32BigEndian(destination[1..], (uint)MessageLength);
    }
}
