using System.CommandLine;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.Steady;

/// <summary><c>agents</c>: do detectors, health, advice and feedback slow the requests that they look at? The tap against itself, in turns.</summary>
internal static class AgentsCommand
{
    // Thirty-two senders that wait so long after each answer leave the machine half idle.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private static readonly Option<int> Rounds = new("--rounds") { Description = "Runs of each under each load (5).", DefaultValueFactory = _ => 5 };
    private static readonly Option<double> Seconds = new("--seconds") { Description = "How long each run lasts (20).", DefaultValueFactory = _ => 20 };
    private static readonly Option<string> Binary = new("--binary") { Description = "The native binary; without it, this build on the runtime's compiler." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    public static Command Create()
    {
        var command = new Command("agents", "Compares the tap with and without detectors, evaluations, health, advice and feedback.") { Rounds, Seconds, Binary, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var duration = TimeSpan.FromSeconds(parsed.GetValue(Seconds));
        var report = new AgentsReport();
        try
        {
            for (var round = 0; round < parsed.GetValue(Rounds); round++)
            {
                foreach (var (load, pause) in new (string, TimeSpan)[] {("every sender at once", TimeSpan.Zero), ($"{Pause.TotalMilliseconds:0} ms between requests", Pause) })
                {
                    await RoundAsync(round, load, pause);
                }
            }
        }
        catch (InvalidOperationException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return 1;
        }

        await ResultFile.WriteAsync("The tap with and without what it does for agents", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
        return 0;

        // A, B, B, A.
        async Task RoundAsync(int round, string load, TimeSpan pause)
        {
            foreach (var mode in round % 2 == 0 ? [TapMode.Everything, TapMode.WithoutAgents] : (TapMode[])[TapMode.WithoutAgents, TapMode.Everything])
            {
                var run = new SteadyRun(parsed.GetValue(Binary), mode, duration, TextWriter.Null) { Pause = pause };
                var result = await run.RunAsync(cancellation);
                report.Add(load, mode, result);
                Console.Error.WriteLine(AgentsReport.Line(load, mode, result));
            }
        }
    }
}
