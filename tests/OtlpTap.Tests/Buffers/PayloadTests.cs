using OtlpTap.Buffers;

namespace OtlpTap.Tests.Buffers;

public sealed class PayloadTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1019)]
    [InlineData(1020)]
    [InlineData(65_536)]
    [InlineData(5_000_000)]
    public void A_payload_has_the_length_asked_for_behind_its_frame_header(int length)
    {
        var payload = new PayloadPool().Rent(length);

        Assert.Equal(length, payload.Length);
        Assert.Equal(length, payload.Message.Length);
        Assert.Equal([0, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length], payload.Frame.Span[..5].ToArray());
        Assert.Equal(length + 5, payload.Frame.Length);
    }

    [Fact]
    public void The_array_is_used_again_only_after_the_last_reference_is_given_back()
    {
        var pool = new PayloadPool();
        var first = pool.Rent(100);
        first.AddReference();
        first.Release();
        Assert.NotSame(first, pool.Rent(100));

        first.Release();
        Assert.Same(first, pool.Rent(200));
    }

    [Fact]
    public void At_most_a_third_of_an_array_is_slack_above_the_smallest_class()
    {
        var pool = new PayloadPool();
        for (var length = 1020; length < 40_000_000; length = (length * 17 / 16) + 1)
        {
            var payload = pool.Rent(length);
            Assert.InRange(payload.Capacity, length + 5, (length + 5) * 3 / 2);
        }
    }

    [Fact]
    public void A_message_of_a_limits_length_has_no_slack()
    {
        // Limits are powers of two; with the frame header inside of them such a message would take half as much again.
        Assert.Equal((16 << 20) + 5, new PayloadPool().Rent(16 << 20).Capacity);
    }

    [Fact]
    public void What_idle_payloads_hold_is_bounded()
    {
        const int ArrayBytes = 1024 + 5; // the smallest class, and the frame header
        var pool = new PayloadPool(retainedBytesMax: 4 * ArrayBytes);
        var payloads = Enumerable.Range(0, 10).Select(_ => pool.Rent(1000)).ToList();
        payloads.ForEach(payload => payload.Release());

        Assert.Equal(4 * ArrayBytes, pool.RetainedBytes);
    }

    [Fact]
    public void Credit_is_given_back_once_whoever_comes_first()
    {
        var budget = new ByteBudget(1000);
        var payload = new PayloadPool().Rent(600);
        Assert.True(budget.TryTake(600));
        payload.AttachCredit(budget, 600);

        payload.AddReference();
        payload.ReturnCredit();
        Assert.Equal(0, budget.TakenBytes);
        payload.Release();
        payload.Release();
        Assert.Equal(0, budget.TakenBytes);
    }

    [Fact]
    public void The_same_bytes_without_credit_keep_the_array_and_leave_the_credit_to_the_others()
    {
        var budget = new ByteBudget(1000);
        var pool = new PayloadPool();
        var payload = pool.Rent(600);
        payload.ItemCount = 7;
        payload.AttachGzip(pool.Rent(5000));
        Assert.True(budget.TryTake(600));
        payload.AttachCredit(budget, 600);
        payload.AddReference();

        var apart = payload.WithoutCredit();
        Assert.Same(payload.Gzip, apart.Gzip);
        Assert.Equal((600, 7), (apart.Length, apart.ItemCount));
        Assert.True(apart.Frame.Equals(payload.Frame));

        apart.HoldCredit();
        apart.AddReference();
        payload.ReturnCredit();
        Assert.Equal(0, budget.TakenBytes);
        payload.Release();
        apart.ReturnCredit();
        apart.Release();
        Assert.Equal(0, pool.RetainedBytes);
        apart.Release();
        Assert.Same(payload, pool.Rent(600));
        Assert.Equal(0, budget.TakenBytes);
    }

    [Fact]
    public void A_budget_refuses_what_passes_its_limit_and_takes_nothing_then()
    {
        var budget = new ByteBudget(1000);

        Assert.True(budget.TryTake(600));
        Assert.False(budget.TryTake(401));
        Assert.Equal(600, budget.TakenBytes);
        Assert.True(budget.TryTake(400));
    }

    [Fact]
    public void A_claim_larger_than_the_whole_budget_passes_when_it_is_alone()
    {
        var budget = new ByteBudget(1000);

        Assert.True(budget.TryTake(5000));
        Assert.False(budget.TryTake(1));
        budget.Return(5000);
        Assert.True(budget.TryTake(1));
    }
}
