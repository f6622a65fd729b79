using System.Globalization;

namespace OtlpTap.Benchmarks.Machine;

/// <summary>
/// Processor time of one process, in nanoseconds, between two readings of <c>/proc/PID/task/*/schedstat</c>.
/// A thread that ended in between has taken its figure with it; then the process's own total stands in, which counts in
/// ticks of 10 ms.
/// </summary>
internal sealed class ProcessCpu
{
    private const double NanosecondsPerTick = 1e9 / 100;

    private readonly Dictionary<string, long> _threads;
    private readonly long _ticks;

    private ProcessCpu(Dictionary<string, long> threads, long ticks)
    {
        _threads = threads;
        _ticks = ticks;
    }

    public static ProcessCpu Read(int process)
    {
        var threads = new Dictionary<string, long>();
        foreach (var thread in Directory.EnumerateDirectories($"/proc/{process}/task"))
        {
            if (TryReadText(Path.Combine(thread, "schedstat")) is { } text)
            {
                threads[Path.GetFileName(thread)] = long.Parse(text.AsSpan(0, text.IndexOf(' ')), CultureInfo.InvariantCulture);
            }
        }

        return new ProcessCpu(threads, ReadTicks($"/proc/{process}/stat", 14, 15));
    }

    public double NanosecondsSince(ProcessCpu earlier)
    {
        var ended = false;
        long nanoseconds = 0;
        foreach (var (thread, spent) in earlier._threads)
        {
            ended |= !_threads.ContainsKey(thread);
            nanoseconds -= _threads.ContainsKey(thread) ? spent : 0;
        }

        foreach (var spent in _threads.Values)
        {
            nanoseconds += spent;
        }

        return ended ? Math.Max(nanoseconds, (_ticks - earlier._ticks) * NanosecondsPerTick) : nanoseconds;
    }

    /// <summary>Resident memory in bytes.</summary>
    public static long ResidentBytes(int process)
    {
        const string Key = "VmRSS:";
        var line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith(Key, StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan(Key.Length).Trim().TrimEnd("kB"), CultureInfo.InvariantCulture);
    }

    /// <summary>The first child of a process: nginx's worker.</summary>
    public static int FirstChild(int process)
    {
        var children = File.ReadAllText($"/proc/{process}/task/{process}/children");
        return int.Parse(children.Split(' ')[0], CultureInfo.InvariantCulture);
    }

    /// <summary>Processor time of this process's children that have ended, in nanoseconds, by ticks.</summary>
    public static double EndedChildrenNanoseconds() => ReadTicks("/proc/self/stat", 16, 17) * NanosecondsPerTick;

    /// <summary>Processor time of everything on the machine, in nanoseconds, by ticks: user, nice, system.</summary>
    public static double MachineNanoseconds()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields[1..4].Sum(f => long.Parse(f, CultureInfo.InvariantCulture)) * NanosecondsPerTick;
    }

    // Fields by their number in proc(5). The second one, the name, stands in parentheses and may hold anything.
    private static long ReadTicks(string path, int firstField, int secondField)
    {
        var text = File.ReadAllText(path);
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[firstField - 3], CultureInfo.InvariantCulture) + long.Parse(fields[secondField - 3], CultureInfo.InvariantCulture);
    }

    private static string? TryReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // The thread ended between being listed and being read.
            return null;
        }
    }
}
