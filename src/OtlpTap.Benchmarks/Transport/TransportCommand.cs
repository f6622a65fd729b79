using System.CommandLine;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Transport;

/// <summary><c>transport</c>: the tap's own HTTP/2 transport against the same calls through the runtime's HTTP client.</summary>
internal static class TransportCommand
{
    private static readonly Option<bool> Quick = new("--quick") { Description = "One short round: shows that it works, measures nothing." };
    private static readonly Option<int?> Rounds = new("--rounds") { Description = "Runs of each transport under each load (7)." };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    public static Command Create()
    {
        var command = new Command("transport", "Compares the transport to the upstream with SocketsHttpHandler.") { Quick, Rounds, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var defaults = TransportOptions.Default(parsed.GetValue(Quick));
        var options = defaults with { Rounds = parsed.GetValue(Rounds) ?? defaults.Rounds };
        var measurements = await new TransportRun(options, Console.Error).RunAsync(cancellation);
        await ResultFile.WriteAsync("The transport to the upstream", TransportTable.ToMarkdown(measurements), parsed.GetValue(Output), cancellation);
        return 0;
    }
}
