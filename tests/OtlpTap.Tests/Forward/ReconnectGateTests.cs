using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Forward;

public sealed class ReconnectGateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ReconnectGate _gate;

    public ReconnectGateTests()
    {
        _gate = new ReconnectGate(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), _time, new MiddleOfTheRoad());
    }

    [Fact]
    public void It_is_open_until_a_connect_fails()
    {
        Assert.True(_gate.IsOpen);
        Assert.True(_gate.TryPass(out _));
        Assert.False(_gate.IsRefusing(out _));

        Assert.True(Fail());

        Assert.False(_gate.IsOpen);
        Assert.True(_gate.IsRefusing(out _));
        Assert.False(_gate.TryPass(out var refusal));
        Assert.Equal("retry after 0.1 s", refusal.Value.Reply.Message);
    }

    [Fact]
    public void After_the_backoff_one_call_probes_and_the_others_are_still_refused()
    {
        Fail();
        _time.Advance(TimeSpan.FromMilliseconds(99));
        Assert.False(_gate.TryPass(out _));
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.False(_gate.IsRefusing(out _));
        Assert.True(_gate.TryPass(out _));
        Assert.False(_gate.TryPass(out _));
        Assert.True(_gate.IsRefusing(out _));
    }

    [Fact]
    public void Each_failed_probe_doubles_the_backoff_up_to_the_longest_and_success_starts_anew()
    {
        List<double> waits = [];
        for (var i = 0; i < 8; i++)
        {
            Fail();
            waits.Add(WaitUntilPass());
        }

        Assert.Equal([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5], waits);
        Assert.True(_gate.Connected());
        Assert.False(_gate.Connected());
        Fail();
        Assert.Equal(0.1, WaitUntilPass());
    }

    [Fact]
    public void Calls_that_fail_together_count_as_one_failure()
    {
        Assert.True(Fail());
        Assert.False(Fail());
        Assert.False(Fail());

        Assert.Equal(0.1, WaitUntilPass());
    }

    [Fact]
    public void The_backoff_varies_by_a_fifth_to_either_side()
    {
        var gate = new ReconnectGate(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), _time, new Random(7));
        var waits = new HashSet<TimeSpan>();
        for (var i = 0; i < 1000; i++)
        {
            gate.ConnectFailed(wait =>
            {
                waits.Add(wait);
                return default;
            });
            gate.Connected();
        }

        Assert.InRange(waits.Min(), TimeSpan.FromSeconds(0.8), TimeSpan.FromSeconds(0.85));
        Assert.InRange(waits.Max(), TimeSpan.FromSeconds(1.15), TimeSpan.FromSeconds(1.2));
    }

    private bool Fail() => _gate.ConnectFailed(wait => new UpstreamAnswer(
        UpstreamOutcome.NotSent,
        new ExportReply(StatusCode.Unavailable, FormattableString.Invariant($"retry after {wait.TotalSeconds} s"), default, [])));

    private double WaitUntilPass()
    {
        var waited = 0;
        while (!_gate.TryPass(out _))
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            waited++;
        }

        return waited / 10.0;
    }

    private sealed class MiddleOfTheRoad : Random
    {
        public override double NextDouble() => 0.5;
    }
}
