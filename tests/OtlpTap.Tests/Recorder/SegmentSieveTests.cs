namespace OtlpTap.Tests.Recorder;

using OtlpTap.Recorder;

public class SegmentSieveTests
{
    private const int SegmentBytes = 4 << 20;

    [Fact]
    public void What_was_added_is_never_denied()
    {
        var sieve = new SegmentSieve(3, SegmentBytes);
        var hashes = Hashes(30_000, seed: 1);
        for (var i = 0; i < hashes.Length; i++)
        {
            sieve.Add(100 + (i % 3), hashes[i]);
        }

        Assert.All(hashes.Index(), hash => Assert.True(sieve.MayHold(100 + (hash.Index % 3), hash.Item)));
    }

    [Theory]
    [InlineData(400, 0.01)] // four megabytes in requests of fifty spans
    [InlineData(6000, 0.12)] // the same in requests of one span
    public void What_was_not_is_seldom_believed(int traces, double share)
    {
        var sieve = new SegmentSieve(2, SegmentBytes);
        foreach (var hash in Hashes(traces, seed: 2))
        {
            sieve.Add(7, hash);
        }

        var others = Hashes(10_000, seed: 3);

        Assert.InRange(others.Count(hash => sieve.MayHold(7, hash)), 0, share * others.Length);
        Assert.DoesNotContain(others, hash => sieve.MayHold(8, hash));
    }

    [Fact]
    public void A_segment_that_begins_anew_has_nothing_of_the_one_before()
    {
        var sieve = new SegmentSieve(2, SegmentBytes);
        sieve.Add(4, 1234);
        sieve.Add(5, 1234);
        sieve.Clear(6);

        Assert.Equal((false, true), (sieve.MayHold(6, 1234), sieve.MayHold(5, 1234)));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(4096)]
    public void The_smallest_segments_have_one_too(int segmentBytes)
    {
        var sieve = new SegmentSieve(1, segmentBytes);
        sieve.Add(0, uint.MaxValue);

        Assert.Equal((true, false), (sieve.MayHold(0, uint.MaxValue), sieve.MayHold(0, 0)));
    }

    private static uint[] Hashes(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (uint)random.NextInt64(1L << 32))];
    }
}
