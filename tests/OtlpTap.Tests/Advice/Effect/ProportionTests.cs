using OtlpTap.Advice.Effect;

namespace OtlpTap.Tests.Advice.Effect;

public sealed class ProportionTests
{
    /// <summary>Newcombe 1998 (Statistics in Medicine 17:873-890), table II, method 10.</summary>
    [Theory]
    [InlineData(56, 70, 48, 80, 0.0524, 0.3339)]
    [InlineData(9, 10, 3, 10, 0.1705, 0.8090)]
    [InlineData(6, 7, 2, 7, 0.0582, 0.8062)]
    [InlineData(5, 56, 0, 29, -0.0381, 0.1926)]
    [InlineData(0, 10, 0, 20, -0.1611, 0.2775)]
    [InlineData(0, 10, 0, 10, -0.2775, 0.2775)]
    [InlineData(10, 10, 0, 20, 0.6791, 1)]
    [InlineData(10, 10, 0, 10, 0.6075, 1)]
    public void The_interval_of_a_difference_is_the_published_one(long a, long m, long b, long n, double low, double high)
    {
        var interval = new Proportion(a, m).MinusInterval(new Proportion(b, n));

        Assert.Equal(low, interval.Low, 4);
        Assert.Equal(high, interval.High, 4);
    }

    /// <summary>Newcombe 1998, Two-sided confidence intervals for the single proportion (Statistics in Medicine 17:857-872), table I, method 3.</summary>
    [Theory]
    [InlineData(81, 263, 0.2553, 0.3662)]
    [InlineData(15, 148, 0.0624, 0.1605)]
    [InlineData(0, 20, 0, 0.1611)]
    [InlineData(1, 29, 0.0061, 0.1718)]
    public void The_interval_of_a_share_is_the_published_one(long successes, long count, double low, double high)
    {
        var interval = new Proportion(successes, count).Wilson();

        Assert.Equal(low, interval.Low, 4);
        Assert.Equal(high, interval.High, 4);
    }

    [Fact]
    public void Nothing_is_known_of_nothing()
    {
        Assert.Equal(new Interval(-1, 1), new Proportion(0, 0).MinusInterval(new Proportion(3, 4)));
        Assert.Equal(new Interval(-1, 1), new Proportion(3, 4).MinusInterval(new Proportion(0, 0)));
    }
}
