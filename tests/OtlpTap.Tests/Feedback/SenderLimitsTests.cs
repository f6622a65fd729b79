using Microsoft.Extensions.Time.Testing;
using OtlpTap.Feedback;

namespace OtlpTap.Tests.Feedback;

public sealed class SenderLimitsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly SenderLimits _limits;

    public SenderLimitsTests() => _limits = new SenderLimits(_time);

    [Fact]
    public void A_sender_may_post_its_share_at_once_and_then_as_time_goes_on()
    {
        Assert.Equal(6, Enumerable.Range(0, 10).Count(_ => _limits.TryTake("ann", 6, out var _)));
        Assert.True(_limits.TryTake("bob", 6, out _));

        Assert.False(_limits.TryTake("ann", 6, out var retryAfter));
        Assert.Equal(10, retryAfter.TotalSeconds, 3);
        _time.Advance(retryAfter - TimeSpan.FromMilliseconds(1));
        Assert.False(_limits.TryTake("ann", 6, out retryAfter));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(_limits.TryTake("ann", 6, out _));
    }

    [Fact]
    public void A_large_request_is_a_debt_that_is_paid_with_time()
    {
        Assert.True(_limits.TryTake("ann", 10, out _));
        _limits.Charge("ann", 29, 10);

        Assert.False(_limits.TryTake("ann", 10, out var retryAfter));
        Assert.Equal(126, retryAfter.TotalSeconds, 3); // 20 owed and one to take, at one in six seconds
        _time.Advance(retryAfter);
        Assert.True(_limits.TryTake("ann", 10, out _));
    }

    [Fact]
    public void Nothing_is_saved_up_beyond_a_minute()
    {
        Assert.True(_limits.TryTake("ann", 3, out _));
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => _limits.TryTake("ann", 3, out var _)));
    }

    [Fact]
    public void The_sender_that_was_quiet_longest_is_forgotten_first()
    {
        _limits.TryTake("ann", 1, out _);
        for (var i = 0; i < SenderLimits.SendersMax - 1; i++)
        {
            _limits.TryTake($"sender {i}", 1, out _);
        }

        Assert.False(_limits.TryTake("ann", 1, out _));
        _limits.TryTake("one more", 1, out _);

        Assert.Equal(SenderLimits.SendersMax, _limits.Count);
        Assert.False(_limits.TryTake("ann", 1, out _));
        Assert.True(_limits.TryTake("sender 0", 1, out _));
    }
}
