using System.CommandLine;

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

        Without a command it runs the tap. Without --config the built-in default runs: OTLP/gRPC on 127.0.0.1:4317,
        metrics and health on http://127.0.0.1:8888, cases under ./otlptap-data/cases, no upstream.
        Agents need one environment variable: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317
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
    public static Task<int> InvokeAsync(RootCommand root, IReadOnlyList<string> arguments, TextWriter? output = null, TextWriter? error = null) =>
        root.Parse(arguments).InvokeAsync(new InvocationConfiguration
        {
            Output = output ?? Console.Out,
            Error = error ?? Console.Error,

            // Signals are the host's: it drains within its own deadline. An exception is a mistake of ours and reaches the top.
            ProcessTerminationTimeout = null,
            EnableDefaultExceptionHandler = false,
        });
}
