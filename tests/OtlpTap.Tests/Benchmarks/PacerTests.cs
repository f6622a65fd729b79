using System.Diagnostics;
using OtlpTap.Benchmarks.Steady;

namespace OtlpTap.Tests.Benchmarks;

public class PacerTests
{
    [Fact]
    public async Task Requests_are_due_at_moments_of_chance_and_at_the_rate_that_was_asked_for()
    {
        var due = await DueAsync(seed: 1);
        var gaps = due.Zip(due.Skip(1), (one, next) => Stopwatch.GetElapsedTime(one, next).TotalMilliseconds).ToList();

        // Of gaps by chance the mean is as large as their deviation; equal ones have none.
        Assert.InRange(gaps.Average(), 0.4, 0.6);
        Assert.InRange(Math.Sqrt(gaps.Average(gap => gap * gap) - Math.Pow(gaps.Average(), 2)), 0.35, 0.65);
        Assert.All(gaps, gap => Assert.True(gap >= 0));
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_moments()
    {
        var (one, again, other) = (await DueAsync(seed: 1), await DueAsync(seed: 1), await DueAsync(seed: 2));

        Assert.Equal(one.Take(100).Select(due => due - one[0]), again.Take(100).Select(due => due - again[0]));
        Assert.NotEqual(one.Take(100).Select(due => due - one[0]), other.Take(100).Select(due => due - other[0]));
    }

    /// <summary>The first two thousand at two thousand a second.</summary>
    private static async Task<List<long>> DueAsync(int seed)
    {
        using var stop = new CancellationTokenSource();
        var pacer = new Pacer(seed) { RequestsPerSecond = 2000 };
        var pacing = pacer.RunAsync(stop.Token);
        var due = new List<long>();
        while (due.Count < 2000)
        {
            due.Add(await pacer.Due.ReadAsync(TestContext.Current.CancellationToken));
            Assert.True(due[^1] <= Stopwatch.GetTimestamp());
        }

        await stop.CancelAsync();
        await pacing;
        return due;
    }
}
