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
        Assert.Equal(6, Enumerable.Range(0, 10).Count(_ => TryTake("ann", 6, out var _)));
        Assert.True(TryTake("bob", 6, out _));

        Assert.False(TryTake("ann", 6, out var retryAfter));
        Assert.Equal(10, retryAfter.TotalSeconds, 3);
        _time.Advance(retryAfter - TimeSpan.FromMilliseconds(1));
        Assert.False(TryTake("ann", 6, out retryAfter));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(TryTake("ann", 6, out _));
    }

    [Fact]
    public void A_large_request_is_a_debt_that_is_paid_with_time()
    {
        Assert.True(TryTake("ann", 10, out _));
        _limits.Charge("ann", 29, 10);

        Assert.False(TryTake("ann", 10, out var retryAfter));
        Assert.Equal(126, retryAfter.TotalSeconds, 3); // 20 owed and one to take, at one in six seconds
        _time.Advance(retryAfter);
        Assert.True(TryTake("ann", 10, out _));
    }

    [Fact]
    public void Nothing_is_saved_up_beyond_a_minute()
    {
        Assert.True(TryTake("ann", 3, out _));
        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => TryTake("ann", 3, out var _)));
    }

    [Fact]
    public void The_sender_that_was_quiet_longest_is_forgotten_first()
    {
        TryTake("ann", 1, out _);
        for (var i = 0; i < SenderLimits.SendersMax - 1; i++)
        {
            TryTake($"sender {i}", 1, out _);
        }

        Assert.False(TryTake("ann", 1, out _));
        TryTake("one more", 1, out _);

        Assert.Equal(SenderLimits.SendersMax, _limits.Count);
        Assert.False(TryTake("ann", 1, out _));
        Assert.True(TryTake("sender 0", 1, out _));
    }

    [Fact]
    public void All_senders_together_have_a_bound_that_those_who_are_refused_take_nothing_of()
    {
        Assert.Equal(6, Enumerable.Range(0, 10).Count(i => Take($"sender {i % 5}", 5, 6, out _) == FeedbackLimit.None));

        Assert.Equal(FeedbackLimit.Everyone, Take("one more", 5, 6, out var retryAfter));
        Assert.Equal(10, retryAfter.TotalSeconds, 3);
        _time.Advance(retryAfter);
        Assert.Equal(FeedbackLimit.None, Take("one more", 5, 6, out _));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(5, Enumerable.Range(0, 50).Count(_ => Take("one more", 5, 6, out var _) == FeedbackLimit.None));
        Assert.Equal((FeedbackLimit.Sender, FeedbackLimit.None), (Take("one more", 5, 6, out _), Take("another", 5, 6, out _)));
    }

    [Fact]
    public void A_large_request_is_a_debt_of_all()
    {
        Take("ann", 10, 60, out _);
        _limits.Charge("ann", 89, 10);

        Assert.Equal(FeedbackLimit.Everyone, Take("bob", 10, 60, out var retryAfter));
        Assert.Equal(31, retryAfter.TotalSeconds, 3); // 30 owed and one to take, at one a second
    }

    private FeedbackLimit Take(string sender, int perMinute, int totalPerMinute, out TimeSpan retryAfter) => _limits.Take(sender, perMinute, totalPerMinute, out retryAfter);

    private bool TryTake(string sender, int perMinute, out TimeSpan retryAfter) => Take(sender, perMinute, int.MaxValue, out retryAfter) == FeedbackLimit.None;
}
