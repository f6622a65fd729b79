using System.Buffers.Binary;
using System.Numerics;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// MurmurHash3 with seed 0, its numbers written little-endian. .NET has none.
/// Source: https://github.com/aappleby/smhasher/wiki/MurmurHash3 (x86_32 and x64_128).
/// </summary>
internal static class MurmurHash
{
    public static byte[] Hash32(byte[] data)
    {
        unchecked
        {
            const uint c1 = 0xCC9E2D51;
            const uint c2 = 0x1B873593;
            var hash = 0u;
            var at = 0;
            for (; at + 4 <= data.Length; at += 4)
            {
                hash ^= BitOperations.RotateLeft(BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(at)) * c1, 15) * c2;
                hash = (BitOperations.RotateLeft(hash, 13) * 5) + 0xE6546B64;
            }

            var tail = 0u;
            for (var i = data.Length - 1; i >= at; i--)
            {
                tail = (tail << 8) | data[i];
            }

            hash ^= BitOperations.RotateLeft(tail * c1, 15) * c2;
            hash ^= (uint)data.Length;
            hash = (hash ^ (hash >> 16)) * 0x85EBCA6B;
            hash = (hash ^ (hash >> 13)) * 0xC2B2AE35;
            var result = new byte[4];
            BinaryPrimitives.WriteUInt32LittleEndian(result, hash ^ (hash >> 16));
            return result;
        }
    }

    public static byte[] Hash128(byte[] data)
    {
        unchecked
        {
            const ulong c1 = 0x87C37B91114253D5;
            const ulong c2 = 0x4CF5AD432745937F;
            var h1 = 0UL;
            var h2 = 0UL;
            var at = 0;
            for (; at + 16 <= data.Length; at += 16)
            {
                h1 ^= BitOperations.RotateLeft(BinaryPrimitives.ReadUInt64LittleEndian(data.AsSpan(at)) * c1, 31) * c2;
                h1 = ((BitOperations.RotateLeft(h1, 27) + h2) * 5) + 0x52DCE729;
                h2 ^= BitOperations.RotateLeft(BinaryPrimitives.ReadUInt64LittleEndian(data.AsSpan(at + 8)) * c2, 33) * c1;
                h2 = ((BitOperations.RotateLeft(h2, 31) + h1) * 5) + 0x38495AB5;
            }

            Span<byte> tail = stackalloc byte[16];
            tail.Clear();
            data.AsSpan(at).CopyTo(tail);
            h2 ^= BitOperations.RotateLeft(BinaryPrimitives.ReadUInt64LittleEndian(tail[8..]) * c2, 33) * c1;
            h1 ^= BitOperations.RotateLeft(BinaryPrimitives.ReadUInt64LittleEndian(tail) * c1, 31) * c2;
            h1 ^= (ulong)data.Length;
            h2 ^= (ulong)data.Length;
            h1 += h2;
            h2 += h1;
            h1 = Mixed(h1);
            h2 = Mixed(h2);
            h1 += h2;
            h2 += h1;
            var result = new byte[16];
            BinaryPrimitives.WriteUInt64LittleEndian(result, h1);
            BinaryPrimitives.WriteUInt64LittleEndian(result.AsSpan(8), h2);
            return result;
        }
    }

    private static ulong Mixed(ulong value)
    {
        unchecked
        {
            value = (value ^ (value >> 33)) * 0xFF51AFD7ED558CCD;
            value = (value ^ (value >> 33)) * 0xC4CEB9FE1A85EC53;
            return value ^ (value >> 33);
        }
    }
}
