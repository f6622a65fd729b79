using System.CommandLine;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary><c>agents</c>: do detectors, health, advice and feedback slow the requests that they look at? The tap against itself, interleaved.</summary>
internal static class AgentsCommand
{
    private const string Without = "tap-without-agents";

    private static readonly Option<bool> Quick = new("--quick") { Description = "One short round: shows that it works, measures nothing." };
    private static readonly Option<int?> Rounds = new("--rounds") { Description = "Runs of each under each load (9)." };
    private static readonly Option<bool> Failing = new("--failing") { Description = "Requests in which 2 % of the spans failed, at least one." };
    private static readonly Option<string> TapCommand = new("--tap-command") { Description = "A native binary of the tap, in place of this build." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    public static Command Create()
    {
        var command = new Command("agents", "Compares the tap with and without detectors, health, advice and feedback.") { Quick, Rounds, Failing, TapCommand, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var binary = parsed.GetValue(TapCommand);
        var quick = parsed.GetValue(Quick);
        var options = EndToEndOptions.Default(quick) with { Rounds = parsed.GetValue(Rounds) ?? (quick ? 1 : 9), Spans = [1, 50], Failing = parsed.GetValue(Failing) };
        Tap[] taps = [new("tap", binary), new(Without, binary, TapMode.WithoutAgents)];
        var report = await new EndToEndRun(options, taps, [Without], Console.Error).RunAsync(cancellation);
        await ResultFile.WriteAsync("The tap with and without what it does for agents", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
        return report.HasFailures ? 1 : 0;
    }
}
