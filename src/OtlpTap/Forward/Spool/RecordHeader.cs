using System.Buffers.Binary;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

/// <summary>What stands before one request in a segment. All numbers are little-endian.</summary>
/// <remarks>
/// <code>
///    0  marker           8 bytes, the segment's
///    8  header checksum  CRC-32C of bytes 12 to 39
///   12  body checksum    CRC-32C of metadata and message
///   16  message length   4 bytes
///   20  metadata length  4 bytes
///   24  items            4 bytes: spans, log records or data points
///   28  signal           1 byte: 0 traces, 1 logs, 2 metrics
///   29  0                3 bytes
///   32  received         nanoseconds since 1970
///   40  metadata         the forwarded headers, see <see cref="RecordMetadata"/>
///    .  message          the serialized Export*ServiceRequest
/// </code>
/// Two checksums, so that the length can be trusted, and what follows be found, where only the body is damaged.
/// </remarks>
internal readonly record struct RecordHeader(int MessageLength, int MetadataLength, int ItemCount, Signal Signal, long ReceivedUnixNano, uint BodyChecksum)
{
    public const int Length = 40;
    public const int MarkerLength = sizeof(ulong);

    /// <summary>Header, metadata and message.</summary>
    public long RecordLength => Length + (long)MetadataLength + MessageLength;

    /// <summary>Writes all but the marker, which <see cref="WriteMarker"/> adds when the segment is known.</summary>
    public void Write(Span<byte> destination)
    {
        destination[..Length].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], BodyChecksum);
        BinaryPrimitives.WriteInt32LittleEndian(destination[16..], MessageLength);
        BinaryPrimitives.WriteInt32LittleEndian(destination[20..], MetadataLength);
        BinaryPrimitives.WriteInt32LittleEndian(destination[24..], ItemCount);
        destination[28] = (byte)Signal;
        BinaryPrimitives.WriteInt64LittleEndian(destination[32..], ReceivedUnixNano);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Crc32C.Of(destination[12..Length]));
    }

    public static void WriteMarker(Span<byte> destination, ulong marker) => BinaryPrimitives.WriteUInt64LittleEndian(destination, marker);

    /// <summary>False where no record of the segment begins; then nothing of <paramref name="header"/> means anything.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, ulong marker, out RecordHeader header)
    {
        header = default;
        if (bytes.Length < Length
            || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != marker
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) != Crc32C.Of(bytes[12..Length]))
        {
            return false;
        }

        header = new RecordHeader(
            BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[20..]),
            BinaryPrimitives.ReadInt32LittleEndian(bytes[24..]),
            (Signal)bytes[28],
            BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]));
        return header.MessageLength >= 0 && header.MetadataLength >= 0 && Enum.IsDefined(header.Signal);
    }
}
