using System.CommandLine;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.Steady;

/// <summary><c>agents</c>: do detectors, health, advice and feedback slow the requests that they look at? The tap against itself, in turns.</summary>
internal static class AgentsCommand
{
    // Thirty-two senders that wait so long after each answer leave the machine half idle.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private static readonly Option<int> Rounds = new("--rounds") { Description = "Runs of each under each load (6).", DefaultValueFactory = _ => 6 };
    private static readonly Option<double> Seconds = new("--seconds") { Description = "How long each run is measured (10).", DefaultValueFactory = _ => 10 };
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
        (string Name, TimeSpan Pause)[] loads = [("every sender at once", TimeSpan.Zero), ($"{Pause.TotalMilliseconds:0} ms between requests", Pause)];
        var report = new AgentsReport();
        try
        {
            foreach (var (load, pause) in loads)
            {
                for (var round = 0; round < parsed.GetValue(Rounds); round++)
                {
                    // There and back, so that a machine that gets slower does not do so for the last alone.
                    foreach (var arm in round % 2 == 0 ? AgentsReport.Arms : AgentsReport.Arms.Reverse())
                    {
                        var result = await Run(arm.Mode, pause, probes: false).RunAsync(cancellation);
                        report.Add(load, arm, result);
                        Console.Error.WriteLine(AgentsReport.Line(load, arm, result));
                    }
                }

                report.Add(load, (await Run(TapMode.Everything, pause, probes: true).RunAsync(cancellation)).Freshness);
            }
        }
        catch (InvalidOperationException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return 1;
        }

        await ResultFile.WriteAsync("The tap with and without what it does for agents", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
        return 0;

        SteadyRun Run(TapMode mode, TimeSpan pause, bool probes) => new(parsed.GetValue(Binary), mode, TimeSpan.FromSeconds(parsed.GetValue(Seconds)), TextWriter.Null)
        {
            Pause = pause,
            BeginsWithFullRing = true,
            ProbesFreshness = probes,
        };
    }
}
