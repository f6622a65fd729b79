using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace OtlpTap.Wire;

/// <summary>
/// Writes protobuf in its shortest form. Every method on a span answers how many bytes it wrote and expects room for
/// them; <see cref="VarintLength"/> and <see cref="LengthDelimitedLength"/> say how many that will be.
/// </summary>
internal static class ProtoWriter
{
    public const int VarintLengthMax = 10;

    public static uint TagOf(int fieldNumber, WireType wireType) => ((uint)fieldNumber << 3) | (uint)wireType;

    public static int VarintLength(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>Of a whole field: tag, length and <paramref name="valueLength"/> bytes.</summary>
    public static int LengthDelimitedLength(uint tag, int valueLength) =>
        VarintLength(tag) + VarintLength((uint)valueLength) + valueLength;

    public static int WriteVarint(Span<byte> destination, ulong value)
    {
        var length = 0;
        while (value >= 0x80)
        {
            destination[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[length++] = (byte)value;
        return length;
    }

    /// <summary>Tag and length; the value is for the caller to write behind them.</summary>
    public static int WriteLengthPrefix(Span<byte> destination, uint tag, int valueLength)
    {
        var written = WriteVarint(destination, tag);
        return written + WriteVarint(destination[written..], (uint)valueLength);
    }

    public static int WriteLengthDelimited(Span<byte> destination, uint tag, ReadOnlySpan<byte> value)
    {
        var written = WriteLengthPrefix(destination, tag, value.Length);
        value.CopyTo(destination[written..]);
        return written + value.Length;
    }

    public static void WriteVarint(IBufferWriter<byte> destination, ulong value) =>
        destination.Advance(WriteVarint(destination.GetSpan(VarintLengthMax), value));

    public static void WriteVarintField(IBufferWriter<byte> destination, uint tag, ulong value)
    {
        WriteVarint(destination, tag);
        WriteVarint(destination, value);
    }

    public static void WriteFixed64Field(IBufferWriter<byte> destination, uint tag, ulong value)
    {
        WriteVarint(destination, tag);
        BinaryPrimitives.WriteUInt64LittleEndian(destination.GetSpan(sizeof(ulong)), value);
        destination.Advance(sizeof(ulong));
    }

    public static void WriteFixed32Field(IBufferWriter<byte> destination, uint tag, uint value)
    {
        WriteVarint(destination, tag);
        BinaryPrimitives.WriteUInt32LittleEndian(destination.GetSpan(sizeof(uint)), value);
        destination.Advance(sizeof(uint));
    }

    public static void WriteLengthDelimited(IBufferWriter<byte> destination, uint tag, ReadOnlySpan<byte> value)
    {
        WriteVarint(destination, tag);
        WriteVarint(destination, (uint)value.Length);
        destination.Write(value);
    }
}
