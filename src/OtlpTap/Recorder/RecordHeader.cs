using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Hashing;
using OtlpTap.Otlp;

namespace OtlpTap.Recorder;

/// <summary>How the bytes of a record stand in the ring.</summary>
internal enum RecordEncoding : byte
{
    None,
    Zstd,
}

/// <summary>
/// What stands before the bytes of each recorded request. Records start at multiples of 8. Little-endian.
/// <code>
///    0  header checksum  4 bytes, of bytes 4 to 23; seed: the segment's marker + the record's offset
///    4  length           4 bytes, of what is stored
///    8  received         8 bytes, nanoseconds since 1970
///   16  body checksum    4 bytes, of what is stored; seed: the segment's marker
///   20  signal           4 bits, and the encoding in the 4 bits above
///   21  first part       3 bytes: how much stands in this segment; the rest begins the next ones
///   24  request          as it was received, or compressed; then 0 to 7 unused bytes
/// </code>
/// Two checksums, so that the next record is found where only a body is damaged. Checksums are the low half of XxHash3, and
/// 0 in anonymous memory, which does not outlive the process. Their seed is told to nobody: neither what a sender wrote nor
/// what an earlier use of the segment left there can be taken for a record.
/// </summary>
internal readonly record struct RecordHeader(int Length, Signal Signal, RecordEncoding Encoding, long ReceivedUnixNano)
{
    public const int Size = 24;

    /// <summary>The first part's length has 24 bits.</summary>
    public const int SegmentBytesMax = 1 << 24;

    public uint BodyChecksum { get; init; }

    public int FirstPartLength { get; init; }

    /// <summary>From the header's first byte to the next record's, as far as it stands in this segment.</summary>
    public int SizeInSegment => Size + ((FirstPartLength + 7) & ~7);

    public void WriteTo(Span<byte> destination)
    {
        Debug.Assert(FirstPartLength < SegmentBytesMax, "It has 24 bits.");
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(destination[8..], ReceivedUnixNano);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[16..], BodyChecksum);
        BinaryPrimitives.WriteInt32LittleEndian(destination[20..], (FirstPartLength << 8) | ((int)Encoding << 4) | (int)Signal);
        BinaryPrimitives.WriteUInt32LittleEndian(destination, 0);
    }

    /// <summary>Last of all: from here on a recovery finds the record.</summary>
    public static void WriteChecksum(Span<byte> destination, ulong marker, int offset) =>
        Volatile.Write(ref System.Runtime.InteropServices.MemoryMarshal.AsRef<uint>(destination), ChecksumOf(destination, marker, offset));

    public static RecordHeader Read(ReadOnlySpan<byte> source)
    {
        var packed = BinaryPrimitives.ReadInt32LittleEndian(source[20..]);
        return new RecordHeader(
            BinaryPrimitives.ReadInt32LittleEndian(source[4..]),
            (Signal)(packed & 0xf),
            (RecordEncoding)((packed >> 4) & 0xf),
            BinaryPrimitives.ReadInt64LittleEndian(source[8..]))
        {
            BodyChecksum = BinaryPrimitives.ReadUInt32LittleEndian(source[16..]),
            FirstPartLength = (int)((uint)packed >> 8),
        };
    }

    /// <summary>False where no record begins. Most of what is no record is refused by its fields, which costs less than the checksum.</summary>
    /// <param name="source">From the record's first byte to the end of what may belong to it in this segment.</param>
    public static bool TryRead(ReadOnlySpan<byte> source, ulong marker, int offset, out RecordHeader header)
    {
        header = default;
        if (source.Length < Size)
        {
            return false;
        }

        header = Read(source);
        return header.Length > 0
            && header.Signal <= Signal.Logs
            && header.Encoding <= RecordEncoding.Zstd
            && header.FirstPartLength <= header.Length
            && header.FirstPartLength <= source.Length - Size
            && BinaryPrimitives.ReadUInt32LittleEndian(source) == ChecksumOf(source, marker, offset);
    }

    private static uint ChecksumOf(ReadOnlySpan<byte> header, ulong marker, int offset) =>
        (uint)XxHash3.HashToUInt64(header[4..Size], (long)marker + offset);
}
