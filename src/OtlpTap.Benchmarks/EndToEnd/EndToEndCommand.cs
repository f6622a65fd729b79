using System.CommandLine;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary><c>e2e</c>: the tap among other proxies, between a load generator and a sink, all on loopback.</summary>
internal static class EndToEndCommand
{
    private static readonly Option<bool> Quick = new("--quick") { Description = "One short round: shows that it works, measures nothing." };
    private static readonly Option<double?> Duration = new("--duration") { Description = "Seconds for one run (3)." };
    private static readonly Option<int?> Rounds = new("--rounds") { Description = "Runs of each proxy under each load (5)." };
    private static readonly Option<string> Spans = new("--spans") { Description = "Request sizes in spans, with commas: 1,50,512 (all)." };
    private static readonly Option<string> Names = new("--proxies") { Description = "With commas: direct (always), nginx, haproxy, yarp, tap.", DefaultValueFactory = _ => "direct,nginx,haproxy,yarp,tap" };
    private static readonly Option<string> TapCommand = new("--tap-command") { Description = "A native binary of the tap, measured as \"tap\" in place of this build on the runtime's compiler." };
    private static readonly Option<bool> Failing = new("--failing") { Description = "Requests in which 2 % of the spans failed, at least one." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    public static Command Create()
    {
        var command = new Command("e2e", "Compares the tap with other proxies under load.") { Quick, Duration, Rounds, Spans, Names, TapCommand, Failing, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var options = OptionsOf(parsed);
        var proxies = ProxiesOf(parsed);
        var report = await new EndToEndRun(options, proxies, Console.Error).RunAsync(cancellation);
        await ResultFile.WriteAsync("Proxies under load", report.ToMarkdown(), parsed.GetValue(Output), cancellation);
        return report.HasFailures ? 1 : 0;
    }

    private static EndToEndOptions OptionsOf(ParseResult parsed)
    {
        var quick = parsed.GetValue(Quick);
        return new EndToEndOptions
        {
            Duration = TimeSpan.FromSeconds(parsed.GetValue(Duration) ?? (quick ? 0.5 : 3)),
            Rounds = parsed.GetValue(Rounds) ?? (quick ? 1 : 5),
            WarmUp = TimeSpan.FromSeconds(quick ? 0.5 : 3),
            RepeatsMax = quick ? 0 : 2,
            Spans = [.. List(parsed.GetValue(Spans)).Select(int.Parse)],
            Failing = parsed.GetValue(Failing),
        };
    }

    private static List<ProxyUnderTest> ProxiesOf(ParseResult parsed) =>
    [
        .. List(parsed.GetValue(Names)).Where(name => name != RunningProxy.Direct).Select<string, ProxyUnderTest>(name => name switch
        {
            "nginx" => new Nginx(),
            "haproxy" => new Haproxy(),
            "yarp" => new YarpForwarder(),
            "tap" => new Tap("tap", parsed.GetValue(TapCommand)),
            _ => throw new ArgumentException($"There is no proxy \"{name}\"."),
        }),
    ];

    private static string[] List(string? text) =>
        (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
