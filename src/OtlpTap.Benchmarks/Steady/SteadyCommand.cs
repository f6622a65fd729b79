using System.CommandLine;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.Steady;

/// <summary><c>steady</c>: whether a tap under full load holds its memory, drops nothing and keeps every failing trace.</summary>
internal static class SteadyCommand
{
    private static readonly Option<double> Seconds = new("--seconds") { Description = "How long the load lasts (300).", DefaultValueFactory = _ => 300 };
    private static readonly Option<string> Binary = new("--binary") { Description = "The native binary; without it, this build on the runtime's compiler." };
    private static readonly Option<bool> WithoutAgents = new("--without-agents") { Description = "Without detectors, evaluations, health, advice and feedback, for comparison." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    public static Command Create()
    {
        var command = new Command("steady", "Loads the tap for minutes, 2 % of the traces failing: memory, drops, cases. Exits 1 when something does not hold.") { Seconds, Binary, WithoutAgents, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            var mode = parsed.GetValue(WithoutAgents) ? TapMode.WithoutAgents : TapMode.Everything;
            var run = new SteadyRun(parsed.GetValue(Binary), mode, TimeSpan.FromSeconds(parsed.GetValue(Seconds)), Console.Error) { ProbesFreshness = mode == TapMode.Everything };
            var report = await run.RunAsync(cancellation);
            await ResultFile.WriteAsync("Steady load", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
            return report.Problems.Count == 0 ? 0 : 1;
        }
        catch (InvalidOperationException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return 1;
        }
    }
}
