using System.CommandLine;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.Steady;

/// <summary><c>agents</c>: do detectors, health, advice and feedback slow the requests that they look at? The tap against itself, in turns.</summary>
internal static class AgentsCommand
{
    // Of what the tap bears with everything on. Behind the first no core is idle; the others are what an operator runs a machine at.
    private static readonly double[] Shares = [1, 0.75, 0.5];

    private static readonly Option<int> Rounds = new("--rounds") { Description = "Runs of each under each load (6).", DefaultValueFactory = _ => 6 };
    private static readonly Option<double> Seconds = new("--seconds") { Description = "How long each run is measured (10).", DefaultValueFactory = _ => 10 };
    private static readonly Option<string> Binary = new("--binary") { Description = "The native binary; without it, this build on the runtime's compiler." };
    private static readonly Option<string> Earlier = new("--earlier") { Description = "COMMIT=PATH: the native binary of an earlier commit, with all on that it has, to compare with." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    public static Command Create()
    {
        var command = new Command("agents", "Compares the tap with and without detectors, evaluations, health, advice and feedback.") { Rounds, Seconds, Binary, Earlier, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        (string, string)? earlier = null;
        if (parsed.GetValue(Earlier) is { } text)
        {
            if (text.Split('=', 2) is not [{ Length: > 0 } name, { Length: > 0 } path])
            {
                Console.Error.WriteLine($"--earlier {text}: expected COMMIT=PATH");
                return 1;
            }

            earlier = (name, path);
        }

        var report = new AgentsReport(parsed.GetValue(Binary), earlier);
        try
        {
            foreach (var share in Shares)
            {
                var requestsPerSecond = share < 1 ? 100 * Math.Round(share * report.FullSpeed / 100) : 0;
                var load = share < 1 ? $"{requestsPerSecond:0} requests/s, {share * 100:0} % of that" : "every sender at once";
                for (var round = 0; round < parsed.GetValue(Rounds); round++)
                {
                    // There and back, so that a machine that gets slower does not do so for the last alone.
                    foreach (var arm in round % 2 == 0 ? report.Arms : report.Arms.Reverse())
                    {
                        var result = await Run(arm, requestsPerSecond, probes: false).RunAsync(cancellation);
                        report.Add(load, arm, result);
                        Console.Error.WriteLine(AgentsReport.Line(load, arm, result));
                    }
                }

                report.Add(load, (await Run(report.Arms[0], requestsPerSecond, probes: true).RunAsync(cancellation)).Freshness);
            }
        }
        catch (InvalidOperationException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return 1;
        }

        await ResultFile.WriteAsync("The tap with and without what it does for agents", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
        return 0;

        SteadyRun Run(AgentsReport.Arm arm, double requestsPerSecond, bool probes) => new(arm.Binary, arm.Mode, TimeSpan.FromSeconds(parsed.GetValue(Seconds)), TextWriter.Null)
        {
            RequestsPerSecond = requestsPerSecond,
            BeginsWithFullRing = true,
            ProbesFreshness = probes,
        };
    }
}
