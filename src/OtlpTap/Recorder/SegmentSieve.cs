using System.Numerics;

namespace OtlpTap.Recorder;

/// <summary>
/// Which segments cannot hold a trace: a look-up asks each of them, hundreds in a large ring, and the indices of nearly all
/// would be read in vain, from memory that is in no cache. A Bloom filter for each segment, of two bits in one word for each
/// trace, all of them side by side; a thousandth of the ring. One of a hundred segments is looked at in vain where requests
/// have 50 spans, one of ten where each has a single span.
/// <para>One writer; readers on any thread, who see a trace before it can be found.</para>
/// </summary>
/// <param name="slots">Segments at most; those of one slot are never there together.</param>
internal sealed class SegmentSieve(int slots, int segmentBytes)
{
    private const int ShareOfSegment = 1024;

    private readonly int _words = WordsFor(segmentBytes);
    private readonly ulong[] _bits = new ulong[slots * WordsFor(segmentBytes)];

    /// <summary>For a segment that begins anew, before readers can know of it.</summary>
    public void Clear(long sequence) => Array.Clear(_bits, (int)(sequence % slots) * _words, _words);

    public void Add(long sequence, uint hash)
    {
        ref var word = ref _bits[PlaceOf(sequence, hash)];
        Volatile.Write(ref word, word | BitsOf(hash));
    }

    /// <summary>False: a segment that is in the ring has nothing of a trace with this hash.</summary>
    public bool MayHold(long sequence, uint hash)
    {
        var bits = BitsOf(hash);
        return (Volatile.Read(ref _bits[PlaceOf(sequence, hash)]) & bits) == bits;
    }

    private int PlaceOf(long sequence, uint hash) => ((int)(sequence % slots) * _words) + (int)(hash & (uint)(_words - 1));

    private static int WordsFor(int segmentBytes) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, segmentBytes / ShareOfSegment / sizeof(ulong)));

    // The highest twelve bits; the word is chosen by the lowest.
    private static ulong BitsOf(uint hash) => (1UL << (int)(hash >> 26)) | (1UL << (int)((hash >> 20) & 63));
}
