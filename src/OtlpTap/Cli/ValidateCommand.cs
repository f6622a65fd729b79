using System.CommandLine;
using OtlpTap.Configuration;

namespace OtlpTap.Cli;

/// <summary><c>otlptap validate --config FILE</c>: all problems at once, without starting anything.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var config = ConfigOption.Create();
        config.Required = true;
        var command = new Command("validate", "Check configuration files: exits 0, with warnings for what has no effect, or 1 with every problem by file, line, column and key.") { config };
        command.SetAction(parsed => Run(parsed.GetValue(config) ?? [], parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error));
        return command;
    }

    private static int Run(IReadOnlyList<string> files, TextWriter output, TextWriter error)
    {
        var loaded = new ConfigurationLoader().Load(files);
        foreach (var problem in loaded.Problems)
        {
            error.WriteLine(problem);
        }

        if (loaded.Options is null)
        {
            return 1;
        }

        output.WriteLine("configuration is valid");
        return 0;
    }
}
