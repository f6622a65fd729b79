using System.Text.Json;
using OtlpTap.Tests.EndToEnd;
using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Pull.PullRig;

namespace OtlpTap.Tests.Pull;

/// <summary>The command as a process of its own, which Ctrl-C ends in the middle.</summary>
public sealed class PullInterruptionTests
{
    private static readonly long Since = DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 3000;

    [Fact]
    public async Task Interrupted_among_traces_it_says_so_and_goes_on_without_a_gap_and_without_counting_any_twice()
    {
        await using var rig = new PullRig(await StubBackend.StartAsync());
        for (byte number = 1; number <= 40; number++)
        {
            rig.Backend.Add(number, number % 10 == 0 ? Failing() : Healthy(), Since + number);
        }

        Hang(rig, "/api/v2/traces", calls: 22);
        var (exitCode, output, error) = await InterruptedAsync(rig, "tempo");

        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.Contains("Interrupted. The same command goes on where this one was.", error, StringComparison.Ordinal);
        var before = Looked(rig);
        rig.Backend.Instead = null;
        rig.Backend.Requests.Clear();

        Assert.Equal((0, ""), await GoOnAsync(rig, "tempo"));

        Assert.InRange(before.Count, 20, 40);
        Assert.Equal(40, before.Union(Looked(rig)).Count());
        Assert.InRange(Looked(rig).Count, 18, 24); // four at a time were under way
        Assert.Equal(4, Seen(rig));
    }

    [Fact]
    public async Task Interrupted_among_lines_it_goes_on_without_a_gap_and_without_a_line_twice()
    {
        await using var rig = new PullRig(await StubBackend.StartAsync());
        rig.Backend.Add(7, Failing(), Since);
        Assert.Equal((0, ""), await GoOnAsync(rig, "tempo"));
        for (var i = 0; i < 2500; i++)
        {
            rig.AddLine((Since * 1_000_000_000) + (i / 300), $"line {i}", ("trace_id", "7"));
        }

        Hang(rig, "/loki", calls: 2);
        var (exitCode, _, error) = await InterruptedAsync(rig, "loki");
        Assert.Equal((1, true), (exitCode, error.Contains("Interrupted.", StringComparison.Ordinal)));
        rig.Backend.Instead = null;

        Assert.Equal((0, ""), await GoOnAsync(rig, "loki"));

        Assert.Equal(2500, Assert.Single(rig.Cases()).GetProperty("log_count").GetInt32());

        // It would be there if the trace had been counted again.
        Assert.Empty(Directory.GetFiles(rig.Folder, "seen.json", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task What_is_no_terminal_gets_no_bar()
    {
        await using var rig = new PullRig(await StubBackend.StartAsync());
        rig.Backend.Add(1, Healthy(), Since);
        var (exitCode, output, error) = await TapProgram.Built.RunAsync(Arguments(rig, "tempo"));
        Assert.Equal((0, ""), (exitCode, error));
        Assert.DoesNotContain('\r', output);
    }

    private static void Hang(PullRig rig, string path, int calls)
    {
        var left = calls;
        rig.Backend.Instead = async context =>
        {
            if (!context.Request.Path.Value!.StartsWith(path, StringComparison.Ordinal) || Interlocked.Decrement(ref left) >= 0)
            {
                return false;
            }

            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        rig.Backend.Hung = () => Volatile.Read(ref left) < 0;
    }

    private static async Task<(int ExitCode, string Output, string Error)> InterruptedAsync(PullRig rig, string source)
    {
        await using var process = TapProcess.Start(TapProgram.Built, Arguments(rig, source));
        await Deadline.UntilAsync(() => rig.Backend.Hung() || process.HasExited, "a request hangs");
        process.Interrupt();
        return (await process.ExitCodeAsync(), process.Output, process.Error);
    }

    private static async Task<(int ExitCode, string Error)> GoOnAsync(PullRig rig, string source)
    {
        var (exitCode, _, error) = await TapProgram.Built.RunAsync(Arguments(rig, source));
        return (exitCode, error);
    }

    // To a fixed end: the same range both times.
    private static string[] Arguments(PullRig rig, string source) =>
    [
        "pull", source, "--url", rig.Backend.Url.ToString(), "--output", rig.Folder, "--query", source == "tempo" ? "{ }" : "{a=\"b\"}",
        "--since", Time(Since - 600), "--until", Time(Since + 600),
    ];

    private static string Time(long unixSeconds) => DateTimeOffset.FromUnixTimeSeconds(unixSeconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static HashSet<string> Looked(PullRig rig) => [.. rig.Backend.Requests.Where(request => request.StartsWith("/api/v2/traces/", StringComparison.Ordinal))];

    private static long Seen(PullRig rig)
    {
        using var seen = JsonDocument.Parse(File.ReadAllBytes(Assert.Single(Directory.GetFiles(rig.Folder, "seen.json", SearchOption.AllDirectories))));
        return seen.RootElement.GetProperty("count").GetInt64();
    }
}
