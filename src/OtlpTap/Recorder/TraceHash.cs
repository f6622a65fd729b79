using System.Buffers.Binary;
using OtlpTap.Otlp;

namespace OtlpTap.Recorder;

/// <summary>
/// 32 bits of a trace id for the index. Keyed with random numbers: a sender who could choose ids of one hash would
/// make every look-up read the whole ring.
/// </summary>
internal readonly record struct TraceHash(ulong KeyHigh, ulong KeyLow)
{
    public const int KeyLength = 16;

    public static TraceHash CreateRandom()
    {
        var key = RandomKey.Create();
        return new TraceHash((ulong)(key >> 64), (ulong)key);
    }

    /// <summary>The one of a ring in files, whose key stands beside it.</summary>
    public static TraceHash Read(ReadOnlySpan<byte> key) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(key), BinaryPrimitives.ReadUInt64LittleEndian(key[8..]));

    public void WriteTo(Span<byte> key)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(key, KeyHigh);
        BinaryPrimitives.WriteUInt64LittleEndian(key[8..], KeyLow);
    }

    // One wide multiplication: some senders leave half of the id zero or count upwards, so all bits must reach the result.
    public uint Of(in TraceId id)
    {
        var high = Math.BigMul(id.High ^ KeyHigh, id.Low ^ KeyLow, out var low);
        return (uint)((high ^ low) >> 32);
    }
}
