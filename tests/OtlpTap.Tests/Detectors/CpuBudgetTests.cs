using Microsoft.Extensions.Time.Testing;
using OtlpTap.Detectors;

namespace OtlpTap.Tests.Detectors;

public sealed class CpuBudgetTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void What_is_spent_beyond_the_saved_second_comes_back_by_its_share()
    {
        var budget = new CpuBudget(0.25, _time);
        budget.Spend(TimeSpan.FromSeconds(0.9));
        var before = budget.Wait();
        budget.Spend(TimeSpan.FromSeconds(0.6));
        var owed = budget.Wait();
        _time.Advance(TimeSpan.FromSeconds(2.1));

        Assert.Equal(TimeSpan.Zero, before);
        Assert.InRange(owed.TotalSeconds, 2.0, 2.01);
        Assert.Equal(TimeSpan.Zero, budget.Wait());
    }

    [Fact]
    public void A_process_that_stood_still_pays_two_minutes_and_no_more()
    {
        var budget = new CpuBudget(0.25, _time);
        budget.Spend(TimeSpan.FromMinutes(10));

        Assert.InRange(budget.Wait().TotalSeconds, 120.0, 120.01);
    }
}
