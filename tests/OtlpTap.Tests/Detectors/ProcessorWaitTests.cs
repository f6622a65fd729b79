using Microsoft.Extensions.Time.Testing;
using OtlpTap.Detectors;

namespace OtlpTap.Tests.Detectors;

public sealed class ProcessorWaitTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void A_fifth_of_the_time_since_it_was_asked_is_long()
    {
        var wait = new ProcessorWait(_file);

        Assert.Equal([false, true, false, false], Told(wait.IsLong, "1000000 50000 10\n", "1700000 350000 11\n", "2700000 350000 12\n", "2700000 350000 12\n"));
    }

    [Fact]
    public void Processors_are_idle_by_a_share_of_what_has_passed_since()
    {
        var idle = new IdleProcessors(_file, _time);

        // 80 of 100 ticks idle, then 10, then 10 with 10 at low priority, then as few again.
        Assert.Equal(
            [false, false, true, false, true],
            Told(
                idle.AreFew,
                "cpu  1000 0 500 9000 0 0 0 0 0 0\ncpu0 1 2 3\n",
                "cpu  1015 0 505 9080 0 0 0 0 0 0\n",
                "cpu  1065 0 535 9085 5 0 10 0 0 0\n",
                "cpu  1125 10 555 9095 5 0 10 0 0 0\n",
                "cpu  1225 10 555 9095 5 0 10 0 0 0\n"));
    }

    [Fact]
    public void Until_a_quarter_of_a_second_has_passed_they_are_as_they_were()
    {
        var idle = new IdleProcessors(_file, _time);
        _ = Told(idle.AreFew, "cpu  0 0 0 1 0 0 0 0\n", "cpu  100 0 0 1 0 0 0 0\n");
        File.WriteAllText(_file, "cpu  100 0 0 1000 0 0 0 0\n");
        var before = idle.AreFew();
        _time.Advance(TimeSpan.FromMilliseconds(250));

        Assert.Equal((true, false), (before, idle.AreFew()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1000000")]
    [InlineData("cpu  1 2 3")]
    [InlineData("of no form")]
    public void What_cannot_be_read_tells_nothing(string text)
    {
        Assert.Equal([false, false], Told(new ProcessorWait(_file).IsLong, text, text));
        Assert.Equal([false, false], Told(new IdleProcessors(_file, _time).AreFew, text, text));
    }

    [Fact]
    public void A_system_that_does_not_tell_is_asked_once()
    {
        File.Delete(_file);
        var wait = new ProcessorWait(_file);
        var before = wait.IsLong();
        File.WriteAllText(_file, "1 1000000 1\n");

        Assert.Equal((false, false), (before, wait.IsLong()));
    }

    [Fact]
    public void Linux_tells_of_this_thread_and_of_all_processors()
    {
        Assert.SkipUnless(File.Exists(ProcessorWait.OfThisThread), $"{ProcessorWait.OfThisThread} does not exist here");
        var wait = new ProcessorWait(ProcessorWait.OfThisThread);
        var idle = new IdleProcessors(IdleProcessors.OfThisMachine, TimeProvider.System);
        _ = wait.IsLong() | idle.AreFew();
        var until = Environment.TickCount64 + 5_000;

        // Twice as many threads as processors that do nothing but run: none runs all the time.
        using var stop = new CancellationTokenSource();
        var others = Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() => Spin(stop.Token)) { IsBackground = true }).ToList();
        others.ForEach(thread => thread.Start());
        var (isLong, areFew) = (false, false);
        while (!(isLong && areFew) && Environment.TickCount64 < until)
        {
            for (var till = Environment.TickCount64 + 50; Environment.TickCount64 < till;)
            {
                Thread.SpinWait(100);
            }

            isLong |= wait.IsLong();
            areFew |= idle.AreFew();
        }

        stop.Cancel();
        Assert.Equal((true, true), (isLong, areFew));
    }

    private bool[] Told(Func<bool> ask, params string[] texts) =>
        [.. texts.Select(text =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            File.WriteAllText(_file, text);
            return ask();
        })];

    private static void Spin(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            Thread.SpinWait(100);
        }
    }
}
