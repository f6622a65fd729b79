namespace OtlpTap.Tests.Recorder;

using OtlpTap.Recorder;

public sealed class BellTests
{
    [Fact]
    public async Task It_wakes_who_waits_once_however_often_it_rang()
    {
        var bell = new Bell();
        bell.Ring();
        bell.Ring();
        bell.Wait(); // at once
        var woken = 0;
        var waiting = Task.Factory.StartNew(
            () =>
            {
                bell.Wait();
                Interlocked.Increment(ref woken);
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        var before = Volatile.Read(ref woken);
        bell.Ring();
        await waiting;

        Assert.Equal((0, 1), (before, woken));
    }
}
