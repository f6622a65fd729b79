using System.Security.Cryptography;
using OtlpTap.Otlp;

namespace OtlpTap.Recorder;

/// <summary>
/// 32 bits of a trace id for the index. Keyed with random numbers: a sender who could choose ids of one hash would
/// make every look-up read the whole ring.
/// </summary>
internal readonly struct TraceHash(ulong keyHigh, ulong keyLow)
{
    public static TraceHash CreateRandom()
    {
        Span<byte> key = stackalloc byte[16];
        RandomNumberGenerator.Fill(key);
        return new TraceHash(BitConverter.ToUInt64(key), BitConverter.ToUInt64(key[8..]));
    }

    // One wide multiplication: some senders leave half of the id zero or count upwards, so all bits must reach the result.
    public uint Of(in TraceId id)
    {
        var high = Math.BigMul(id.High ^ keyHigh, id.Low ^ keyLow, out var low);
        return (uint)((high ^ low) >> 32);
    }
}
