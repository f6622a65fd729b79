using System.Buffers.Binary;
using System.Numerics;
using OtlpTap.Otlp;

namespace OtlpTap.Spans;

/// <summary>
/// What the keys that come by mean to a walk: their places in a frame, or that they are watched for. Instrumentations write the
/// same keys in the same order, so each is remembered with the one that followed it, and mostly found by one comparison.
/// Of fixed size: what does not fit is asked anew each time, and when that was often, all is learned anew, so that who sends
/// ever new keys does not have the room for good. For one thread.
/// </summary>
internal sealed class LearnedKeys(WatchedKeys watched)
{
    /// <summary>It means nothing here.</summary>
    public const int Nothing = -1;

    /// <summary>Its presence is noted.</summary>
    public const int Watched = -2;

    /// <summary>So often is a key asked anew before all are forgotten: what is learned then costs a twentieth of the asking.</summary>
    public const int AskedAnewMax = 65_536;

    private const int Length = 1024;
    private const int LearnedMax = Length / 2;
    private const int KeyLengthMax = 127;

    // Chosen keys that fall on one place are not all learned.
    private const int StepsMax = 4;

    private static readonly ulong Seed = (ulong)RandomKey.Create() | 1;

    // Behind the last: what stands before the first key of a span.
    private readonly Entry[] _entries = new Entry[Length + 1];
    private int _learned;
    private int _askedAnew;
    private int _before = Length;

    /// <summary>How many keys are remembered.</summary>
    public int Count => _learned;

    /// <summary>Before the keys of a span.</summary>
    public void Begin() => _before = Length;

    /// <summary>Its place in a frame, <see cref="Nothing"/> or <see cref="Watched"/>.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        var entries = _entries;
        ref var before = ref entries[_before];
        ref readonly var guess = ref entries[before.Next];
        if (guess.Key is { } known && key.SequenceEqual(known))
        {
            _before = before.Next;
            return guess.Meaning;
        }

        var at = PlaceOf(key);
        if (at < 0)
        {
            return AskAnew(key);
        }

        before.Next = at;
        _before = at;
        return entries[at].Meaning;
    }

    /// <summary>Where it is, now; negative: it cannot be learned.</summary>
    private int PlaceOf(ReadOnlySpan<byte> key)
    {
        var hash = Hash(key);
        var at = (int)(hash >> (64 - BitOperations.Log2(Length)));
        for (var step = 0; step < StepsMax; step++, at = (at + 1) & (Length - 1))
        {
            ref var entry = ref _entries[at];
            if (entry.Key is not { } known)
            {
                return TryLearn(ref entry, key) ? at : -1;
            }

            if (key.SequenceEqual(known))
            {
                return at;
            }
        }

        return -1;
    }

    private bool TryLearn(ref Entry entry, ReadOnlySpan<byte> key)
    {
        if (_learned == LearnedMax || key.Length > KeyLengthMax)
        {
            return false;
        }

        _learned++;
        entry = new Entry { Key = key.ToArray(), Meaning = MeaningOf(key) };
        return true;
    }

    private int AskAnew(ReadOnlySpan<byte> key)
    {
        if (++_askedAnew == AskedAnewMax)
        {
            Array.Clear(_entries);
            (_learned, _askedAnew, _before) = (0, 0, Length);
        }

        return MeaningOf(key);
    }

    private int MeaningOf(ReadOnlySpan<byte> key) => SpanKeys.Table.Find(key) is >= 0 and var place ? place : watched.Has(key) ? Watched : Nothing;

    private static ulong Hash(ReadOnlySpan<byte> key)
    {
        if (key.Length < sizeof(ulong))
        {
            var single = (ulong)key.Length;
            foreach (var one in key)
            {
                single = (single << 8) | one;
            }

            return (single ^ Seed) * Seed;
        }

        var first = BinaryPrimitives.ReadUInt64LittleEndian(key);
        var last = BinaryPrimitives.ReadUInt64LittleEndian(key[^sizeof(ulong)..]);
        return (first ^ BitOperations.RotateLeft(last * Seed, 32) ^ (ulong)key.Length) * Seed;
    }

    private struct Entry
    {
        public byte[]? Key;
        public int Meaning;

        /// <summary>Which key followed the last time.</summary>
        public int Next;
    }
}
