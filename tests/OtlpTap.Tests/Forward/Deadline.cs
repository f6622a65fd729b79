using System.Diagnostics;

namespace OtlpTap.Tests.Forward;

/// <summary>How long a test waits for what has to happen, on a machine that may be busy.</summary>
internal static class Deadline
{
    public static readonly TimeSpan Span = TimeSpan.FromSeconds(30);

    public static CancellationToken Token() => new CancellationTokenSource(Span).Token;

    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Span);

    public static Task InTime(this Task task) => task.WaitAsync(Span);

    /// <summary>For what another thread does in its own time and announces to nobody.</summary>
    public static Task UntilAsync(Func<bool> holds, string what) => UntilAsync(() => ValueTask.FromResult(holds()), what);

    /// <summary>The same for what has to be asked for.</summary>
    public static async Task UntilAsync(Func<ValueTask<bool>> holds, string what)
    {
        var started = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Span, $"waited in vain until {what}");
            await poll.WaitForNextTickAsync();
        }
    }

    /// <summary>For many things, one after the other: the time begins anew with each that is done.</summary>
    /// <param name="left">How many are not done yet.</param>
    public static async Task UntilNoneIsLeftAsync(Func<int> left, string what)
    {
        var least = left();
        var started = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (least > 0)
        {
            await poll.WaitForNextTickAsync();
            if (left() is var now && now < least)
            {
                (least, started) = (now, Stopwatch.GetTimestamp());
            }

            Assert.True(least == 0 || Stopwatch.GetElapsedTime(started) < Span, $"{what}: {least} are left, and none was done for {Span.TotalSeconds} s");
        }
    }
}
