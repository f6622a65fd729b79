using System.CommandLine;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Cost;

/// <summary><c>cost</c>: what one request costs the tap, by its kind, in builds that are compared.</summary>
internal static class CostCommand
{
    private static readonly Option<string[]> Builds = new("--build") { Description = "NAME=PATH of a native binary or an otlptap.dll, several times; the first is the reference. Without it, this build.", DefaultValueFactory = _ => [] };
    private static readonly Option<string[]> Cases = new("--case") { Description = "The beginning of the names of cases, several times (all).", DefaultValueFactory = _ => [] };
    private static readonly Option<int> Rounds = new("--rounds") { Description = "Runs of each build (5).", DefaultValueFactory = _ => 5 };
    private static readonly Option<double> Share = new("--share") { Description = "Of the usual number of requests in a run (1).", DefaultValueFactory = _ => 1 };
    private static readonly Option<bool> Instructions = new("--instructions") { Description = "Count instructions under valgrind; for native binaries." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    public static Command Create()
    {
        var command = new Command("cost", "Compares what a request costs in several builds of the tap.") { Builds, Cases, Rounds, Share, Instructions, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var isCounting = parsed.GetValue(Instructions);
        if (isCounting && Callgrind.Missing is { } reason)
        {
            Console.Error.WriteLine(reason);
            return 1;
        }

        var builds = parsed.GetValue(Builds)!.Select(build => build.Split('=', 2)).Select(parts => (parts[0], parts[^1])).DefaultIfEmpty(("tap", Path.Combine(AppContext.BaseDirectory, "otlptap.dll")));
        var prefixes = parsed.GetValue(Cases)!;
        var cases = CostCase.All.Where(cost => prefixes.Length == 0 || prefixes.Any(prefix => cost.Name.StartsWith(prefix, StringComparison.Ordinal)));
        var run = new CostRun([.. builds], [.. cases], parsed.GetValue(Rounds), parsed.GetValue(Share), isCounting, Console.Error);
        var unit = isCounting ? "Instructions of a request" : "Processor time of a request, microseconds";
        await ResultFile.WriteAsync($"{unit}; bytes allocated", await run.RunAsync(cancellation), parsed.GetValue(Output), cancellation);
        return 0;
    }
}
