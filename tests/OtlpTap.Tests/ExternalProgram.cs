using System.Diagnostics;

namespace OtlpTap.Tests;

/// <summary>
/// A program of the machine's that a test asks for its judgement. Where it is not installed the test is skipped with the
/// reason; in CI, which installs it, that is a failure.
/// </summary>
internal sealed class ExternalProgram
{
    private readonly string _path;

    private ExternalProgram(string path) => _path = path;

    public string Path => _path;

    /// <param name="package">What to install, for the reason.</param>
    public static ExternalProgram Require(string name, string package)
    {
        var path = OnPath(name);
        if (path is null)
        {
            Skip($"{name} is not installed (Debian package {package})");
        }

        return new ExternalProgram(path!);
    }

    /// <summary>The same for what a command fetches into a directory.</summary>
    /// <param name="command">What to run, for the reason.</param>
    public static void RequireDirectory(string directory, string command)
    {
        if (!Directory.Exists(directory))
        {
            Skip($"{directory} is not there (run `{command}`)");
        }
    }

    /// <summary>One that no package of Debian's has, so that CI has it not either: where it is missing the test is skipped.</summary>
    /// <param name="variable">Of the environment: names the program where it is not on PATH.</param>
    public static ExternalProgram Optional(string name, string variable)
    {
        var path = Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named ? named : OnPath(name);
        Assert.SkipWhen(path is null, $"{name} is not on PATH, and {variable} names none");
        Assert.True(File.Exists(path), $"{variable} names {path}, which is not there");
        return new ExternalProgram(path!);
    }

    private static string? OnPath(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => System.IO.Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    private static void Skip(string reason)
    {
        Assert.False(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), reason);
        Assert.Skip(reason);
    }

    /// <summary>For a program that does not end by itself.</summary>
    /// <param name="environment">Beside the test's own.</param>
    public Process Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(_path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Runs it to its end, with <paramref name="input"/> on standard input; ends it when <paramref name="cancellation"/> does.</summary>
    public async Task<(int ExitCode, string Output, string Error)> RunAsync(IEnumerable<string> arguments, Stream? input, CancellationToken cancellation)
    {
        using var process = Start(arguments);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var error = process.StandardError.ReadToEndAsync(cancellation);
            if (input is not null)
            {
                await input.CopyToAsync(process.StandardInput.BaseStream, cancellation);
            }

            process.StandardInput.Close();
            await process.WaitForExitAsync(cancellation);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
