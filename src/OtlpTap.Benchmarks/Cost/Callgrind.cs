using System.Diagnostics;
using System.Globalization;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Cost;

/// <summary>
/// Counts the instructions of a native binary, whatever else the machine does, by running it on valgrind's virtual
/// processor: some fifty times slower, one thread at a time, user space alone.
/// </summary>
internal static class Callgrind
{
    private const string Totals = "summary: ";

    /// <summary>Why it cannot count here, or null.</summary>
    public static string? Missing => Programs.Find("valgrind") is null ? "valgrind is not installed" : null;

    public static ChildProcess Start(string profile, IEnumerable<string> command)
    {
        // Under a virtual processor the runtime finds no memory for its usual reservation, and idle threads that spin for
        // work before they sleep would be counted as work: more of them the busier the machine.
        var settings = new[] { "DOTNET_GCHeapHardLimit=0x40000000", "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0" };
        return ChildProcess.Start("env", [.. settings, "valgrind", "--tool=callgrind", $"--callgrind-out-file={profile}", .. command]);
    }

    /// <summary>Counts from here.</summary>
    public static Task ZeroAsync(int process, CancellationToken cancellation) => ControlAsync("-z", process, cancellation);

    /// <summary>Instructions since the last call of this or of <see cref="ZeroAsync"/>.</summary>
    public static async Task<double> CountAsync(int process, string profile, CancellationToken cancellation)
    {
        var before = Parts(profile).Count;
        await ControlAsync("-d", process, cancellation);
        while (Parts(profile) is var parts && (parts.Count == before || Read(parts[^1]) is null))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellation);
        }

        return Read(Parts(profile)[^1])!.Value;
    }

    private static List<string> Parts(string profile) =>
        [.. Directory.EnumerateFiles(Path.GetDirectoryName(profile)!, $"{Path.GetFileName(profile)}.*").Where(part => part != profile).OrderBy(part => part.Length).ThenBy(part => part, StringComparer.Ordinal)];

    private static double? Read(string part)
    {
        var line = File.ReadLines(part).FirstOrDefault(l => l.StartsWith(Totals, StringComparison.Ordinal));
        return line is null || !File.ReadAllText(part).Contains("totals: ", StringComparison.Ordinal)
            ? null
            : double.Parse(line.AsSpan(Totals.Length), CultureInfo.InvariantCulture);
    }

    private static async Task ControlAsync(string what, int process, CancellationToken cancellation)
    {
        using var control = Process.Start(ChildProcess.Describe("callgrind_control", [what, process.ToString(CultureInfo.InvariantCulture)]))!;
        var said = await control.StandardOutput.ReadToEndAsync(cancellation);
        await control.WaitForExitAsync(cancellation);
        if (control.ExitCode != 0)
        {
            throw new InvalidOperationException($"callgrind_control {what} {process}: {said}");
        }
    }
}
