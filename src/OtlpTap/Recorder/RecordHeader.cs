using System.Buffers.Binary;
using OtlpTap.Otlp;

namespace OtlpTap.Recorder;

/// <summary>
/// What stands before the bytes of each recorded request. Records start at multiples of 8.
/// <code>
///   | length: 4 bytes | signal: 1 | 0: 3 | received, nanoseconds since 1970: 8 |  request ...  | 0 to 7 unused |
/// </code>
/// Little-endian. No checksum: the memory is ours alone and does not outlive the process.
/// </summary>
internal readonly record struct RecordHeader(int Length, Signal Signal, long ReceivedUnixNano)
{
    public const int Size = 16;

    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, Length);
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], (byte)Signal);
        BinaryPrimitives.WriteInt64LittleEndian(destination[8..], ReceivedUnixNano);
    }

    public static RecordHeader Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadInt32LittleEndian(source),
        (Signal)source[4],
        BinaryPrimitives.ReadInt64LittleEndian(source[8..]));
}
