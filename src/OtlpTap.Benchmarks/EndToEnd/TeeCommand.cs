using System.CommandLine;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary><c>tee</c>: does what happens behind the tee slow the requests before it? The tap against itself, interleaved.</summary>
internal static class TeeCommand
{
    private static readonly Option<bool> Quick = new("--quick") { Description = "One short round: shows that it works, measures nothing." };
    private static readonly Option<string> TapCommand = new("--tap-command") { Description = "A native binary of the tap, in place of this build." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    public static Command Create()
    {
        var command = new Command("tee", "Compares the tap with its tee on and off.") { Quick, TapCommand, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        const int Rounds = 9;
        const string WithoutTee = "tap-without-tee";
        var binary = parsed.GetValue(TapCommand);
        var quick = parsed.GetValue(Quick);
        var options = EndToEndOptions.Default(quick) with { Rounds = quick ? 1 : Rounds, Spans = [1, 50] };
        Tap[] taps =
        [
            new("tap", binary),
            new(WithoutTee, binary, TapMode.WithoutTee),
            new("tap-relay-only", binary, TapMode.RelayOnly),
        ];
        var report = await new EndToEndRun(options, taps, [WithoutTee], Console.Error).RunAsync(cancellation);
        await ResultFile.WriteAsync("The tap with and without its tee", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
        return report.HasFailures ? 1 : 0;
    }
}
