using OtlpTap.Health.Windows;

namespace OtlpTap.Tests.Health;

public class LatencyScaleTests
{
    [Fact]
    public void What_stands_for_a_latency_is_within_the_error_of_it()
    {
        var random = new Random(3);
        for (var i = 0; i < 100_000; i++)
        {
            var seconds = LatencyScale.SecondsMin * Math.Pow(LatencyScale.SecondsMax / LatencyScale.SecondsMin, random.NextDouble());

            Assert.InRange(LatencyScale.SecondsAt(LatencyScale.PlaceOf(seconds)) / seconds, 1 - LatencyScale.RelativeError - 1e-9, 1 + LatencyScale.RelativeError + 1e-9);
        }
    }

    [Fact]
    public void A_longer_latency_never_has_a_lower_place()
    {
        var random = new Random(4);
        var last = 0;
        foreach (var seconds in Enumerable.Range(0, 100_000).Select(_ => 2 * LatencyScale.SecondsMax * Math.Pow(random.NextDouble(), 12)).Order())
        {
            var place = LatencyScale.PlaceOf(seconds);
            Assert.InRange(place, last, LatencyScale.Length - 1);
            last = place;
        }
    }

    [Theory]
    [InlineData(double.NaN, false)]
    [InlineData(-1, false)]
    [InlineData(0, false)]
    [InlineData(LatencyScale.SecondsMin, false)]
    [InlineData(LatencyScale.SecondsMax, true)]
    [InlineData(1e300, true)]
    [InlineData(double.PositiveInfinity, true)]
    public void What_is_beyond_the_scale_is_at_its_end(double seconds, bool isUpper) =>
        Assert.Equal(isUpper ? LatencyScale.Length - 1 : 0, LatencyScale.PlaceOf(seconds));
}
