using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace OtlpTap.Rules;

/// <summary>
/// The attribute keys that rules ask for in one kind of message, and the slot of each. Looked up once for every
/// attribute that passes: a mix of the length, the first 8 and the last 8 bytes finds the place, a comparison confirms.
/// </summary>
internal sealed class SlotKeys
{
    private readonly Entry[] _entries;
    private readonly int _mask;
    private readonly ulong _filter;

    public SlotKeys(IReadOnlyList<(byte[] Key, int Slot)> keys)
    {
        IsEmpty = keys.Count == 0;

        // A quarter full at most: an attribute that no rule asks for, as most are, meets an empty place at once.
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, keys.Count * 4));
        _mask = size - 1;
        _entries = new Entry[size];
        foreach (var (key, slot) in keys)
        {
            _filter |= key.Length == 0 ? 0 : FilterBit(key);
            var hash = Hash(key);
            var at = (int)hash & _mask;
            while (_entries[at].Key is not null)
            {
                at = (at + 1) & _mask;
            }

            _entries[at] = new Entry { Hash = hash, Key = key, Slot = slot };
        }
    }

    public bool IsEmpty { get; }

    /// <summary>The slot, or -1.</summary>
    // Inlined, so that the most frequent answer, no, costs two loads and a shift.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ReadOnlySpan<byte> key) => key.IsEmpty || (_filter & FilterBit(key)) != 0 ? FindExactly(key) : -1;

    /// <summary>One of 64 bits by length and last byte: of a dozen keys, four in five that nobody asks for meet a bit that is not set.</summary>
    private static ulong FilterBit(ReadOnlySpan<byte> key) => 1UL << (key.Length + (key[^1] * 5));

    private int FindExactly(ReadOnlySpan<byte> key)
    {
        var hash = Hash(key);
        var at = (int)hash & _mask;
        var entries = _entries;
        while (true)
        {
            ref readonly var entry = ref entries[at];
            if (entry.Key is not { } known)
            {
                return -1;
            }

            if (entry.Hash == hash && key.SequenceEqual(known))
            {
                return entry.Slot;
            }

            at = (at + 1) & _mask;
        }
    }

    private static ulong Hash(ReadOnlySpan<byte> key)
    {
        ulong first;
        ulong last;
        if (key.Length >= sizeof(ulong))
        {
            first = BinaryPrimitives.ReadUInt64LittleEndian(key);
            last = BinaryPrimitives.ReadUInt64LittleEndian(key[^sizeof(ulong)..]);
        }
        else
        {
            first = 0;
            last = 0;
            foreach (var single in key)
            {
                first = (first << 8) | single;
            }
        }

        var mixed = (first ^ (last * 0x9E3779B97F4A7C15UL) ^ (ulong)key.Length) * 0xD6E8FEB86659FD93UL;
        return mixed ^ (mixed >> 32);
    }

    private struct Entry
    {
        public ulong Hash;
        public byte[]? Key;
        public int Slot;
    }
}
