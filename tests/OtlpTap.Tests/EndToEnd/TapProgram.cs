using System.Diagnostics;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A program that is the tap: the one built beside the tests, or the native binary.</summary>
internal sealed record TapProgram(string File, IReadOnlyList<string> First)
{
    /// <summary>As <c>dotnet run</c> starts it, without building again.</summary>
    public static readonly TapProgram Built = new(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
        [Path.Combine(AppContext.BaseDirectory, "otlptap.dll")]);

    /// <summary>The native binary where it was built (<c>OTLPTAP_NATIVE</c>), which is there in a third of the time.</summary>
    public static TapProgram Fastest => Environment.GetEnvironmentVariable("OTLPTAP_NATIVE") is { Length: > 0 } native ? new TapProgram(native, []) : Built;

    public ProcessStartInfo Start(IEnumerable<string> arguments, string? directory = null, params IEnumerable<(string Name, string Value)> environment)
    {
        // Whoever runs the tests in the background has them ignore signals, and what they start would inherit it.
        var start = new ProcessStartInfo("env", ["--default-signal=HUP,INT", File, .. First, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? AppContext.BaseDirectory,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    /// <summary>A command that ends by itself.</summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(IEnumerable<string> arguments, string? directory = null)
    {
        await using var process = TapProcess.Start(this, arguments, directory);
        return (await process.ExitCodeAsync(), process.Output, process.Error);
    }
}
