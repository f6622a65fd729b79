using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary><c>e2e</c>: the tap among other proxies, between a load generator and a sink, all on loopback.</summary>
internal static class EndToEndCommand
{
    private static readonly Option<bool> Quick = new("--quick") { Description = "One short round: shows that it works, measures nothing." };
    private static readonly Option<double?> Duration = new("--duration") { Description = "Seconds for one run (3)." };
    private static readonly Option<int?> Rounds = new("--rounds") { Description = "Runs of each proxy under each load (5)." };
    private static readonly Option<int[]> Spans = new("--spans") { Description = "Request sizes in spans: 1,50,512 (all).", CustomParser = ParseSpans };
    private static readonly Option<string[]> Proxies = new("--proxies") { Description = "direct (always there), nginx, haproxy, yarp, tap; with commas (all).", CustomParser = ParseProxies };
    private static readonly Option<string> TapCommand = new("--tap-command") { Description = "A native binary of the tap, measured in place of this build on the runtime's compiler." };
    private static readonly Option<bool> Failing = new("--failing") { Description = "Requests in which 2 % of the spans failed, at least one." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    private static readonly string[] AllProxies = [ResultTable.Direct, "nginx", "haproxy", "yarp", "tap"];

    public static Command Create()
    {
        var command = new Command("e2e", "Compares the tap with other proxies under load.") { Quick, Duration, Rounds, Spans, Proxies, TapCommand, Failing, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var defaults = EndToEndOptions.Default(parsed.GetValue(Quick));
        var options = defaults with
        {
            Duration = parsed.GetValue(Duration) is { } seconds ? TimeSpan.FromSeconds(seconds) : defaults.Duration,
            Rounds = parsed.GetValue(Rounds) ?? defaults.Rounds,
            Spans = parsed.GetValue(Spans) ?? [],
            Failing = parsed.GetValue(Failing),
        };
        var names = parsed.GetValue(Proxies) is { Length: > 0 } some ? some : AllProxies;
        var proxies = names.Where(name => name != ResultTable.Direct).Select(name => Create(name, parsed.GetValue(TapCommand)));
        var report = await new EndToEndRun(options, [.. proxies], [ResultTable.Direct, "nginx"], Console.Error).RunAsync(cancellation);
        await ResultFile.WriteAsync("Proxies under load", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
        return report.HasFailures ? 1 : 0;
    }

    private static ProxyUnderTest Create(string name, string? tapBinary) => name switch
    {
        "nginx" => new Nginx(),
        "haproxy" => new Haproxy(),
        "yarp" => new YarpForwarder(),
        _ => new Tap("tap", tapBinary),
    };

    private static int[] ParseSpans(ArgumentResult argument)
    {
        var known = LoadCase.All.Select(load => load.Spans.ToString(CultureInfo.InvariantCulture));
        return [.. Parse(argument, [.. known]).Select(int.Parse)];
    }

    private static string[] ParseProxies(ArgumentResult argument) => Parse(argument, AllProxies);

    private static string[] Parse(ArgumentResult argument, string[] known)
    {
        var values = string.Join(',', argument.Tokens.Select(token => token.Value)).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (values.Except(known).ToArray() is [_, ..] strangers)
        {
            argument.AddError($"Not known: {string.Join(", ", strangers)}. Known: {string.Join(", ", known.Distinct())}.");
            return [];
        }

        return values;
    }
}
