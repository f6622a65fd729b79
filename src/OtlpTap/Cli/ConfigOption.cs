using System.CommandLine;

namespace OtlpTap.Cli;

/// <summary><c>--config FILE</c>, as often as there are files.</summary>
internal static class ConfigOption
{
    public static Option<string[]> Create() => new("--config", "-c")
    {
        Description = "A configuration file. Given more than once, maps are merged and lists replaced, in the order given.",
        HelpName = "FILE",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };
}
