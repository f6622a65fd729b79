using System.Buffers.Binary;
using System.IO.Hashing;

namespace OtlpTap.Corpus.Journal;

/// <summary>
/// How the journal of captures stands in its file.
/// <code>
/// file:   "otlpcap" 1 | ring: 8 | seed: 8 | checksum of all before: 8 | frame | frame ...
/// frame:  length: 4 | checksum of what follows, with the seed: 4 | entry | entry ...
/// entry:  1 position: 8
///         2 number: 8 | trace: 16 | scheduled: 8 | is update: 1
///         3 number: 8 | the verdict
///         4 number: 8 | trace: 16 | late spans until: 8
///         5 number: 8 | subject and aspect of its last verdict
/// </code>
/// </summary>
internal static class JournalFormat
{
    public const int HeaderLength = 32;

    public const int FrameHeaderLength = 8;

    private static readonly byte[] Magic = [.. "otlpcap"u8, 1];

    public static void WriteHeader(Span<byte> header, ulong ringId, ulong seed)
    {
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], ringId);
        BinaryPrimitives.WriteUInt64LittleEndian(header[16..], seed);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], XxHash3.HashToUInt64(header[..24]));
    }

    public static bool TryReadHeader(ReadOnlySpan<byte> bytes, out ulong ringId, out ulong seed)
    {
        (ringId, seed) = (0, 0);
        if (bytes.Length < HeaderLength || !bytes.StartsWith(Magic) || BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]) != XxHash3.HashToUInt64(bytes[..24]))
        {
            return false;
        }

        ringId = BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
        seed = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        return true;
    }

    public static uint ChecksumOf(ReadOnlySpan<byte> frame, ulong seed) => (uint)XxHash3.HashToUInt64(frame, (long)seed);
}

internal enum EntryKind : byte
{
    Position = 1,
    Scheduled = 2,
    Verdict = 3,
    Ended = 4,
    About = 5,
}
