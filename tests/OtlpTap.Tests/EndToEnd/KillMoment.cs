using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// When a process is killed: once so many more requests were sent to it, and are on their way through it, or once it has
/// acknowledged as many. Chosen by a seed: with its line in the output a failure can be had again.
/// </summary>
internal readonly record struct KillMoment(int Requests, bool IsAcknowledged)
{
    /// <param name="requestsMax">None at all is a moment as well: the process is still finding what the last one left.</param>
    public static KillMoment Next(Random random, int requestsMax) => new(random.Next(requestsMax + 1), random.Next(2) == 0);

    public async Task ReachedAsync(int kill, Func<long> sent, Func<long> acknowledged)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"kill {kill}: when {this}");
        var count = IsAcknowledged ? acknowledged : sent;
        var enough = count() + Requests;
        await Deadline.UntilAsync(() => count() >= enough, ToString());
    }

    public override string ToString() => $"{Requests} more requests were {(IsAcknowledged ? "acknowledged" : "sent")}";
}
