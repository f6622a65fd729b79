using Microsoft.Extensions.Time.Testing;
using OtlpTap.Detectors;

namespace OtlpTap.Tests.Detectors;

public sealed class ProcessorWaitTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly FakeTimeProvider _time = new();
    private TimeSpan _used;

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
        var idle = Idle();

        // 80 of 100 ticks idle, then 10, then 10 with 10 of who waits for a disk, then as few again with 10 at low priority.
        Assert.Equal(
            [false, false, true, false, true],
            Told(
                idle.AreFew,
                "cpu  1000 0 500 9000 0 0 0 0 0 0\ncpu0 1 2 3\n",
                "cpu  1015 0 505 9080 0 0 0 0 0 0\n",
                "cpu  1065 0 535 9085 5 0 10 0 0 0\n",
                "cpu  1125 0 555 9095 15 0 10 0 0 0\n",
                "cpu  1205 10 555 9105 15 0 10 0 0 0\n"));
    }

    [Fact]
    public void Of_many_processors_one_that_is_idle_is_enough()
    {
        var idle = Idle();

        // 64 processors for a second each: 110 ticks idle of 6400, then 90.
        Assert.Equal([false, false, true], Told(idle.AreFew, "cpu  0 0 0 0 0 0 0 0\n", "cpu  6290 0 0 110 0 0 0 0\n", "cpu  12600 0 0 200 0 0 0 0\n"));
    }

    [Fact]
    public void What_a_container_may_use_and_does_use_is_not_idle()
    {
        var idle = Idle();
        var told = new List<bool>();
        foreach (var used in (double[])[5, 6.6, 8.4, 9.0])
        {
            _used = TimeSpan.FromSeconds(used);
            told.AddRange(Told(idle.AreFew, "cpu  0 0 0 0 0 0 0 0\n"));
        }

        Assert.Equal([false, false, true, false], told);
    }

    [Fact]
    public void Who_uses_what_it_may_knows_it_without_a_file()
    {
        File.Delete(_file);
        var idle = Idle();
        _ = idle.AreFew();
        _time.Advance(TimeSpan.FromSeconds(1));
        _used = TimeSpan.FromSeconds(2);
        var before = idle.AreFew();
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal((true, false), (before, idle.AreFew()));
    }

    [Fact]
    public void Until_a_quarter_of_a_second_has_passed_they_are_as_they_were()
    {
        var idle = Idle();
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
        Assert.Equal([false, false], Told(Idle().AreFew, text, text));
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
        Assert.SkipWhen(File.ReadAllText(ProcessorWait.OfThisThread).StartsWith("0 0 0", StringComparison.Ordinal), $"{ProcessorWait.OfThisThread} does not count here");
        var wait = new ProcessorWait(ProcessorWait.OfThisThread);
        var idle = new IdleProcessors(IdleProcessors.OfThisMachine, static () => Environment.CpuUsage.TotalTime, Environment.ProcessorCount, TimeProvider.System);
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

    private IdleProcessors Idle() => new(_file, () => _used, 2, _time);

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
