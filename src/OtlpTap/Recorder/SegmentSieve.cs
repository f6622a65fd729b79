using System.Numerics;

namespace OtlpTap.Recorder;

/// <summary>
/// Which segments cannot hold a trace: a look-up asks each of them, hundreds in a large ring, and the indices of nearly all
/// would be read in vain, from memory that is in no cache. A Bloom filter for each segment, of two bits in one word for each
/// trace: about an eight hundredth of the ring. One of a hundred segments is looked at in vain where requests have 50 spans, one of
/// ten where each has a single span, and more where compression puts more traces into a segment.
/// <para>
/// All segments' words for the same hash stand side by side, so that a look-up reads one run of memory, of 2.7 KB for a ring of 1 GiB.
/// </para>
/// <para>One writer; readers on any thread, who see a trace before it can be found.</para>
/// </summary>
/// <param name="slots">Segments at most; those of one slot are never there together.</param>
internal sealed class SegmentSieve(int slots, int segmentBytes)
{
    private const int ShareOfSegment = 1024;

    private readonly int _words = WordsFor(segmentBytes);
    private readonly ulong[] _bits = new ulong[slots * WordsFor(segmentBytes)];

    /// <summary>For a segment that begins anew, before readers can know of it.</summary>
    public void Clear(long sequence)
    {
        for (var place = (int)(sequence % slots); place < _bits.Length; place += slots)
        {
            _bits[place] = 0;
        }
    }

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

    private int PlaceOf(long sequence, uint hash) => ((int)(hash & (uint)(_words - 1)) * slots) + (int)(sequence % slots);

    private static int WordsFor(int segmentBytes) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, segmentBytes / ShareOfSegment / sizeof(ulong)));

    // The highest twelve bits; the word is chosen by the lowest.
    private static ulong BitsOf(uint hash) => (1UL << (int)(hash >> 26)) | (1UL << (int)((hash >> 20) & 63));
}
