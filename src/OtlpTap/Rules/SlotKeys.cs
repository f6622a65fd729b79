using System.Buffers.Binary;
using System.Numerics;

namespace OtlpTap.Rules;

internal sealed class SlotKeys
{
    private readonly ulong[] _hashes;
    private readonly byte[][] _keys;
    private readonly int[] _slots;
    private readonly int _mask;

    public SlotKeys(IReadOnlyList<(byte[] Key, int Slot)> keys)
    {
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, keys.Count * 4));
        _mask = size - 1;
        _hashes = new ulong[size];
        _keys = new byte[size][];
        _slots = new int[size];
        foreach (var (key, slot) in keys)
        {
            var hash = Hash(key);
            var i = (int)hash & _mask;
            while (_keys[i] is not null)
            {
                i = (i + 1) & _mask;
            }

            (_hashes[i], _keys[i], _slots[i]) = (hash, key, slot);
        }
    }

    public bool IsEmpty => Array.TrueForAll(_keys, key => key is null);

    public int Find(ReadOnlySpan<byte> key)
    {
        var hash = Hash(key);
        var i = (int)hash & _mask;
        while (_keys[i] is { } candidate)
        {
            if (_hashes[i] == hash && key.SequenceEqual(candidate))
            {
                return _slots[i];
            }

            i = (i + 1) & _mask;
        }

        return -1;
    }

    private static ulong Hash(ReadOnlySpan<byte> key)
    {
        ulong first, last;
        if (key.Length >= 8)
        {
            first = BinaryPrimitives.ReadUInt64LittleEndian(key);
            last = BinaryPrimitives.ReadUInt64LittleEndian(key[^8..]);
        }
        else
        {
            first = last = 0;
            foreach (var single in key)
            {
                first = (first << 8) | single;
            }
        }

        var mixed = (first ^ (last * 0x9E3779B97F4A7C15UL) ^ (ulong)key.Length) * 0xD6E8FEB86659FD93UL;
        return mixed ^ (mixed >> 32);
    }
}
