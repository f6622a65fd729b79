using System.CommandLine;
using System.Reflection;

namespace OtlpTap.Cli;

/// <summary><c>otlptap version</c>.</summary>
internal static class VersionCommand
{
    /// <summary>The version, with the commit behind a plus sign where the build knew it.</summary>
    public static string Version { get; } =
        typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Command Create()
    {
        var command = new Command("version", "Print the version.");
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.WriteLine($"otlptap {Version}"));
        return command;
    }
}
