using OtlpTap.Detectors;

namespace OtlpTap.Tests.Detectors;

public sealed class ProcessorWaitTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Processors_are_scarce_where_a_thread_has_waited_for_a_fifth_of_its_time_since_it_asked()
    {
        using var wait = new ProcessorWait(_file, static () => false);

        Assert.Equal(
            [false, true, false, false],
            new[] { "1000000 50000 10\n", "1700000 350000 11\n", "2700000 350000 12\n", "2700000 350000 12\n" }.Select(text =>
            {
                File.WriteAllText(_file, text);
                return wait.IsScarce();
            }));
    }

    [Theory]
    [InlineData("1000000 50000 10\n")]
    [InlineData("")]
    [InlineData("1000000")]
    [InlineData("of no form")]
    public void Or_where_work_waits_for_a_thread_whatever_the_system_tells(string text)
    {
        var isQueued = true;
        File.WriteAllText(_file, text);
        using var wait = new ProcessorWait(_file, () => isQueued);

        Assert.True(wait.IsScarce());
        isQueued = false;
        Assert.False(wait.IsScarce());
    }

    [Fact]
    public void A_system_that_does_not_tell_is_asked_once()
    {
        var missing = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        using var wait = new ProcessorWait(missing, static () => false);

        Assert.False(wait.IsScarce());
        File.WriteAllText(missing, "1 1000000 1\n");
        Assert.False(wait.IsScarce());
        File.Delete(missing);
    }

    [Fact]
    public void Linux_tells_of_this_thread()
    {
        Assert.SkipUnless(File.Exists(ProcessorWait.OfThisThread), $"{ProcessorWait.OfThisThread} does not exist here");
        using var wait = new ProcessorWait(ProcessorWait.OfThisThread, static () => false);
        _ = wait.IsScarce();
        var until = Environment.TickCount64 + 5_000;

        // Twice as many threads as processors that do nothing but run: none runs all the time.
        using var stop = new CancellationTokenSource();
        var others = Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new Thread(() => Spin(stop.Token)) { IsBackground = true }).ToList();
        others.ForEach(thread => thread.Start());
        var isScarce = false;
        while (!isScarce && Environment.TickCount64 < until)
        {
            for (var till = Environment.TickCount64 + 50; Environment.TickCount64 < till;)
            {
                Thread.SpinWait(100);
            }

            isScarce = wait.IsScarce();
        }

        stop.Cancel();
        Assert.True(isScarce);
    }

    private static void Spin(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            Thread.SpinWait(100);
        }
    }
}
