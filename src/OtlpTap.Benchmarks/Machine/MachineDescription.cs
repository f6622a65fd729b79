using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace OtlpTap.Benchmarks.Machine;

/// <summary>Where and how a result came about; without that it says nothing to anyone else.</summary>
internal static class MachineDescription
{
    public static async Task<string> DescribeAsync(string title, IEnumerable<string> arguments, CancellationToken cancellation)
    {
        var date = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1 << 30);
        return $"""
            # {title}

            - {date}, commit {await AskAsync("git", ["rev-parse", "--short", "HEAD"], cancellation)}{await ChangesAsync(cancellation)}
            - {Processor()}, {Environment.ProcessorCount} cores, {memory} GiB; {RuntimeInformation.OSDescription}
            - SDK {await AskAsync("dotnet", ["--version"], cancellation)}, {RuntimeInformation.FrameworkDescription}
            - {await AskAsync("h2load", ["--version"], cancellation)}; {await AskAsync("nginx", ["-v"], cancellation)}; {await AskAsync("haproxy", ["-v"], cancellation)}
            - `dotnet run -c Release --project src/OtlpTap.Benchmarks -- {string.Join(' ', arguments.Select(Portable))}`


            """;
    }

    private static string Processor() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor";

    private static async Task<string> ChangesAsync(CancellationToken cancellation) =>
        (await AskAsync("git", ["status", "--porcelain", "--untracked-files=no"], cancellation)).Length == 0 ? "" : " with local changes";

    // A result is read on other machines: no folder of this one.
    private static string Portable(string argument) =>
        Path.IsPathRooted(argument) ? Path.GetRelativePath(Environment.CurrentDirectory, argument) : argument;

    // The first line that the program prints, wherever it prints it.
    private static async Task<string> AskAsync(string program, IEnumerable<string> arguments, CancellationToken cancellation)
    {
        if (Programs.Find(program) is not { } path)
        {
            return $"no {program}";
        }

        using var process = Process.Start(ChildProcess.Describe(path, arguments))!;
        var output = await process.StandardOutput.ReadToEndAsync(cancellation) + await process.StandardError.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return output.Split('\n')[0].Trim();
    }
}
