using System.CommandLine;
using OtlpTap.Configuration;

namespace OtlpTap.Cli;

/// <summary><c>otlptap print-config</c>: the files merged and the environment's values put in, as the tap reads them.</summary>
internal static class PrintConfigCommand
{
    private const string RedactedMode = "redacted";
    private const string UnredactedMode = "unredacted";

    public static Command Create()
    {
        var config = ConfigOption.Create();
        var mode = new Option<string>("--mode") { Description = "Whether credentials are shown.", HelpName = $"{RedactedMode}|{UnredactedMode}", DefaultValueFactory = _ => RedactedMode };
        mode.AcceptOnlyFromAmong(RedactedMode, UnredactedMode);
        var defaults = new Option<bool>("--defaults") { Description = "Show what is left out with its default, or with the value that holds in its place." };
        var command = new Command("print-config", "Print the configuration as it is in force: files merged, variables in place, credentials masked. Exits 1 with every problem when it is invalid.") { config, mode, defaults };
        command.SetAction(parsed => Run(
            parsed.GetValue(config) ?? [],
            isRedacted: parsed.GetValue(mode) == RedactedMode,
            parsed.GetValue(defaults),
            parsed.InvocationConfiguration.Output,
            parsed.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(IReadOnlyList<string> files, bool isRedacted, bool hasDefaults, TextWriter output, TextWriter error)
    {
        var loader = new ConfigurationLoader();
        var loaded = loader.Load(files);
        foreach (var problem in loaded.Problems)
        {
            error.WriteLine(problem);
        }

        if (loaded is not { Options: { } options, Merged: { } merged })
        {
            return 1;
        }

        var shown = hasDefaults ? ConfigurationLoader.WithOmittedSections(merged, options) : merged;
        output.Write(new ConfigurationPrinter(loader.Describe(options), isRedacted, hasDefaults).Print(shown));
        return 0;
    }
}
