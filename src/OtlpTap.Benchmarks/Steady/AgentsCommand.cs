using System.CommandLine;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.Steady;

/// <summary><c>agents</c>: do detectors, health, advice and feedback slow the requests that they look at? The tap against itself, in turns.</summary>
internal static class AgentsCommand
{
    // Of what the tap bears with everything on. Under the first no core is idle, under the last about half of them are.
    private static readonly double[] Shares = [1, 0.5, 0.25];

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

        foreach (var binary in (string?[])[parsed.GetValue(Binary), earlier?.Item2])
        {
            if (new Tap("tap", binary).Missing is { } reason)
            {
                Console.Error.WriteLine(reason);
                return 1;
            }
        }

        var report = new AgentsReport(parsed.GetValue(Binary), earlier);
        try
        {
            foreach (var share in Shares)
            {
                var requestsPerSecond = share < 1 ? Math.Max(100, 100 * Math.Round(share * report.FullSpeed / 100)) : 0;
                var load = share < 1 ? $"{requestsPerSecond:0} requests/s, {share * 100:0} % of that" : "every sender at once";
                for (var round = 0; round < parsed.GetValue(Rounds); round++)
                {
                    // Each begins in turn, and there and back, so that none always has the same neighbour, or the machine when it got slower.
                    foreach (var arm in Turned(report.Arms, round))
                    {
                        var result = await Run(arm, requestsPerSecond, round, probes: false).RunAsync(cancellation);
                        report.Add(load, arm, result);
                        Console.Error.WriteLine(AgentsReport.Line(load, arm, result));
                    }
                }

                report.Add(load, (await Run(report.Arms[0], requestsPerSecond, 0, probes: true).RunAsync(cancellation)).Freshness);
            }
        }
        catch (InvalidOperationException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return 1;
        }

        await ResultFile.WriteAsync("The tap with and without what it does for agents", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
        return 0;

        SteadyRun Run(AgentsReport.Arm arm, double requestsPerSecond, int round, bool probes) => new(arm.Binary, arm.Mode, TimeSpan.FromSeconds(parsed.GetValue(Seconds)), TextWriter.Null)
        {
            RequestsPerSecond = requestsPerSecond,
            Seed = round,
            BeginsWithFullRing = true,
            ProbesFreshness = probes,
        };
    }

    private static IEnumerable<AgentsReport.Arm> Turned(IReadOnlyList<AgentsReport.Arm> arms, int round)
    {
        var turned = arms.Skip(round % arms.Count).Concat(arms.Take(round % arms.Count));
        return round % 2 == 0 ? turned : turned.Reverse();
    }
}
