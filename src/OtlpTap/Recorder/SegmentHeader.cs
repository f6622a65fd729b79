using System.Buffers.Binary;
using System.IO.Hashing;

namespace OtlpTap.Recorder;

/// <summary>What the header of a segment's file says about it.</summary>
internal enum SegmentState
{
    /// <summary>It was let go by its last use, or never had one.</summary>
    Unused,

    /// <summary>It was being filled: its records are there, its index is not to be trusted.</summary>
    Open,

    /// <summary>It was finished: what <see cref="SegmentSeal"/> says holds.</summary>
    Sealed,

    /// <summary>A segment of another version of the tap, or of another size.</summary>
    OtherFormat,

    /// <summary>Nothing in it can be trusted.</summary>
    Garbage,
}

/// <summary>What is known of a segment when it is sealed.</summary>
internal readonly record struct SegmentSeal(int Used, int Entries, int Records, long RequestBytes, long OldestUnixNano, long NewestUnixNano, ulong IndexChecksum);

/// <summary>
/// The first page of a segment's file; the segment follows it. All numbers are little-endian.
/// <code>
///    0  "otlpring"       what it is; another word while the segment holds nothing
///    8  version          4 bytes
///   12  size             4 bytes: of the segment, without this page
///   16  key              16 bytes: of the hash in the index, one for the whole ring
///   32  marker           8 random bytes, anew for each use of the file; the seed of all its checksums
///   40  sequence         8 bytes: the segment's place in the ring
///   48  continued        4 bytes that belong to a record of an earlier segment
///   52  0                4 bytes
///   56  checksum         XxHash3 of bytes 8 to 55
///   64  used, entries, records: 4 bytes each; 0: 4; request bytes, oldest, newest: 8 each; checksum of the index: 8
///  112  checksum         XxHash3 of bytes 64 to 111 with the marker as seed; 0 until the segment is sealed
/// </code>
/// </summary>
internal readonly record struct SegmentHeader(TraceHash Hash, ulong Marker, long Sequence, int Continued)
{
    /// <summary>A page, so that the segment behind it is one of whole pages.</summary>
    public const int Size = 4096;

    public const int Version = 1;

    private const int ChecksumOffset = 56;
    private const int SealOffset = 64;
    private const int SealChecksumOffset = 112;

    private static readonly ulong Magic = BinaryPrimitives.ReadUInt64LittleEndian("otlpring"u8);
    private static readonly ulong Unused = BinaryPrimitives.ReadUInt64LittleEndian("unused\0\0"u8);

    /// <summary>Whatever moment a kill comes at, the page says either that nothing is here or all of this.</summary>
    public void WriteTo(Span<byte> page, int segmentBytes)
    {
        WriteUnused(page);
        page[8..SealOffset].Clear();
        BinaryPrimitives.WriteInt32LittleEndian(page[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(page[12..], segmentBytes);
        Hash.WriteTo(page[16..]);
        BinaryPrimitives.WriteUInt64LittleEndian(page[32..], Marker);
        BinaryPrimitives.WriteInt64LittleEndian(page[40..], Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(page[48..], Continued);
        BinaryPrimitives.WriteUInt64LittleEndian(page[ChecksumOffset..], XxHash3.HashToUInt64(page[8..ChecksumOffset]));
        BreakSeal(page);
        WriteMagic(page, Magic);
    }

    public static void WriteUnused(Span<byte> page) => WriteMagic(page, Unused);

    /// <summary>The segment is filled on: its index is not to be trusted any more.</summary>
    public static void BreakSeal(Span<byte> page) => Volatile.Write(ref Word(page, SealChecksumOffset), 0);

    public static void WriteSeal(Span<byte> page, in SegmentSeal seal, ulong marker)
    {
        BreakSeal(page);
        BinaryPrimitives.WriteInt32LittleEndian(page[SealOffset..], seal.Used);
        BinaryPrimitives.WriteInt32LittleEndian(page[68..], seal.Entries);
        BinaryPrimitives.WriteInt32LittleEndian(page[72..], seal.Records);
        BinaryPrimitives.WriteInt32LittleEndian(page[76..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(page[80..], seal.RequestBytes);
        BinaryPrimitives.WriteInt64LittleEndian(page[88..], seal.OldestUnixNano);
        BinaryPrimitives.WriteInt64LittleEndian(page[96..], seal.NewestUnixNano);
        BinaryPrimitives.WriteUInt64LittleEndian(page[104..], seal.IndexChecksum);
        Volatile.Write(ref Word(page, SealChecksumOffset), SealChecksum(page, marker));
    }

    /// <param name="header">Means something when the state is <see cref="SegmentState.Open"/> or <see cref="SegmentState.Sealed"/>.</param>
    /// <param name="seal">Means something when the state is <see cref="SegmentState.Sealed"/>.</param>
    public static SegmentState Read(ReadOnlySpan<byte> page, int segmentBytes, out SegmentHeader header, out SegmentSeal seal)
    {
        (header, seal) = (default, default);
        var magic = BinaryPrimitives.ReadUInt64LittleEndian(page);
        if (magic != Magic)
        {
            return magic == Unused ? SegmentState.Unused : SegmentState.Garbage;
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(page[ChecksumOffset..]) != XxHash3.HashToUInt64(page[8..ChecksumOffset]))
        {
            return SegmentState.Garbage;
        }

        if (BinaryPrimitives.ReadInt32LittleEndian(page[8..]) != Version || BinaryPrimitives.ReadInt32LittleEndian(page[12..]) != segmentBytes)
        {
            return SegmentState.OtherFormat;
        }

        header = new SegmentHeader(
            TraceHash.Read(page[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(page[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(page[40..]),
            BinaryPrimitives.ReadInt32LittleEndian(page[48..]));
        if (header.Sequence < 0 || header.Continued < 0 || header.Continued > segmentBytes)
        {
            return SegmentState.Garbage;
        }

        seal = new SegmentSeal(
            BinaryPrimitives.ReadInt32LittleEndian(page[SealOffset..]),
            BinaryPrimitives.ReadInt32LittleEndian(page[68..]),
            BinaryPrimitives.ReadInt32LittleEndian(page[72..]),
            BinaryPrimitives.ReadInt64LittleEndian(page[80..]),
            BinaryPrimitives.ReadInt64LittleEndian(page[88..]),
            BinaryPrimitives.ReadInt64LittleEndian(page[96..]),
            BinaryPrimitives.ReadUInt64LittleEndian(page[104..]));
        return BinaryPrimitives.ReadUInt64LittleEndian(page[SealChecksumOffset..]) == SealChecksum(page, header.Marker)
            && (uint)seal.Used <= (uint)segmentBytes
            && (uint)seal.Entries <= (uint)(segmentBytes - seal.Used) / sizeof(ulong)
            ? SegmentState.Sealed
            : SegmentState.Open;
    }

    // Never 0, which is what a seal that is broken has.
    private static ulong SealChecksum(ReadOnlySpan<byte> page, ulong marker) =>
        XxHash3.HashToUInt64(page[SealOffset..SealChecksumOffset], (long)marker) | 1;

    private static void WriteMagic(Span<byte> page, ulong magic) => Volatile.Write(ref Word(page, 0), magic);

    private static ref ulong Word(Span<byte> page, int offset) =>
        ref System.Runtime.InteropServices.MemoryMarshal.AsRef<ulong>(page[offset..]);
}
