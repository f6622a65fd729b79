using System.Buffers.Binary;

namespace OtlpTap.Forward.Spool;

/// <summary>What a segment file begins with. All numbers are little-endian.</summary>
/// <remarks>
/// <code>
///    0  "otlpspl" 0x0a   what it is
///    8  version          1 byte; another one is refused
///    9  0                3 bytes
///   12  checksum         CRC-32C of bytes 0 to 11 and 16 to 39
///   16  marker           8 random bytes; every record of the segment begins with them
///   24  number           the one in the file's name
///   32  created          nanoseconds since 1970
///   40  records
/// </code>
/// </remarks>
/// <param name="Marker">
/// Told to nobody, so that no message can hold what would be taken for a record when the place of one is searched for
/// behind damaged bytes.
/// </param>
internal readonly record struct SegmentHeader(ulong Marker, ulong Number, long CreatedUnixNano)
{
    public const int Length = 40;
    public const byte Version = 1;

    public const int VersionOffset = 8;

    private const int ChecksumOffset = 12;

    private static ReadOnlySpan<byte> Magic => "otlpspl\n"u8;

    public byte[] ToBytes()
    {
        var bytes = new byte[Length];
        Magic.CopyTo(bytes);
        bytes[VersionOffset] = Version;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Marker);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), Number);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(32), CreatedUnixNano);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(ChecksumOffset), ChecksumOf(bytes));
        return bytes;
    }

    /// <param name="bytes">At least <see cref="Length"/> of them.</param>
    public static SegmentHeaderState Read(ReadOnlySpan<byte> bytes, out SegmentHeader header)
    {
        header = new SegmentHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[32..]));
        var isIntact = BinaryPrimitives.ReadUInt32LittleEndian(bytes[ChecksumOffset..]) == ChecksumOf(bytes);
        if (!bytes.StartsWith(Magic))
        {
            // All zeros is what a file system leaves of a page that it lost.
            return bytes[..Length].ContainsAnyExcept((byte)0) ? SegmentHeaderState.Foreign : SegmentHeaderState.Damaged;
        }

        return bytes[VersionOffset] != Version ? SegmentHeaderState.OtherVersion : isIntact ? SegmentHeaderState.Intact : SegmentHeaderState.Damaged;
    }

    /// <summary>Whether a file that is shorter than a header may be what a crash left of one.</summary>
    public static bool IsBeginning(ReadOnlySpan<byte> bytes)
    {
        var magic = bytes[..Math.Min(bytes.Length, Magic.Length)];
        return Magic.StartsWith(magic) || !magic.ContainsAnyExcept((byte)0);
    }

    private static uint ChecksumOf(ReadOnlySpan<byte> bytes) => Crc32C.Continue(Crc32C.Of(bytes[..ChecksumOffset]), bytes[16..Length]);
}

internal enum SegmentHeaderState
{
    Intact,

    /// <summary>A segment of this version whose header cannot be trusted: the marker is taken from the first record.</summary>
    Damaged,

    /// <summary>A segment that another version of the tap wrote.</summary>
    OtherVersion,

    /// <summary>Not a segment at all.</summary>
    Foreign,
}
