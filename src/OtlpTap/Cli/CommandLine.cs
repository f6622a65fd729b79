using System.CommandLine;
using System.CommandLine.Parsing;
using System.CommandLine.Invocation;

namespace OtlpTap.Cli;

/// <summary>Runs the tap until it is told to stop; the result is the exit code.</summary>
/// <param name="configFiles">As given with <c>--config</c>; none for the built-in default.</param>
internal delegate Task<int> RunTap(IReadOnlyList<string> configFiles, CancellationToken cancellation);

/// <summary>The commands of <c>otlptap</c>. Without one it runs the tap.</summary>
internal static class CommandLine
{
    private const string Description =
        """
        A tap on the line between AI agents and their telemetry backend: receives OTLP, tags failing spans, forwards
        everything, and keeps every failing trace whole as a case.

        Without a command it runs the tap. Without --config the built-in default runs: OTLP/HTTP on 127.0.0.1:4318,
        OTLP/gRPC on 127.0.0.1:4317, metrics and health on http://127.0.0.1:8888, cases under ./otlptap-data/cases, no upstream.
        Agents need OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318, or http://127.0.0.1:4317 where their SDK speaks gRPC.

        SIGTERM drains and ends it with exit code 0; SIGHUP, or the command reload, reads the configuration again.
        """;

    /// <param name="more">Commands of other rooms, in the order in which the help shows them.</param>
    public static RootCommand Create(RunTap run, params ReadOnlySpan<Command> more)
    {
        var config = ConfigOption.Create();
        var root = new RootCommand(Description) { config, ValidateCommand.Create(), PrintConfigCommand.Create(), ConfigSchemaCommand.Create() };
        foreach (var command in more)
        {
            root.Add(command);
        }

        root.Add(VersionCommand.Create());
        root.SetAction((parsed, cancellation) => run(parsed.GetValue(config) ?? [], cancellation));
        return root;
    }

    /// <summary>Runs what the arguments say; 1 for arguments that cannot be understood, with the reason on standard error.</summary>
    public static async Task<int> InvokeAsync(RootCommand root, IReadOnlyList<string> arguments, TextWriter? output = null, TextWriter? error = null)
    {
        var parsed = root.Parse(arguments);
        if (parsed.Action is ParseErrorAction)
        {
            return Refuse(parsed, error ?? Console.Error);
        }

        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            Output = output ?? Console.Out,
            Error = error ?? Console.Error,

            // Signals are the host's: it drains within its own deadline. An exception is a mistake of ours and reaches the top.
            ProcessTerminationTimeout = null,
            EnableDefaultExceptionHandler = false,
        });
    }

    // The reasons alone: the whole help behind them would move them off the screen.
    private static int Refuse(ParseResult parsed, TextWriter error)
    {
        foreach (var problem in parsed.Errors)
        {
            error.WriteLine(problem.Message);
        }

        error.WriteLine($"`otlptap{PathOf(parsed.CommandResult)} --help` shows what there is.");
        return 1;
    }

    private static string PathOf(CommandResult command) =>
        command.Command is RootCommand ? "" : $"{(command.Parent is CommandResult parent ? PathOf(parent) : "")} {command.Command.Name}";
}
