using System.Globalization;

namespace OtlpTap.Configuration;

/// <summary>What <c>limit_percentage</c> is a percentage of: the memory that the control group allows, or else the machine's.</summary>
internal static class MachineMemory
{
    // cgroup v2, then v1; https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
    private static readonly string[] Limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];

    public static long TotalBytes()
    {
        // The runtime's number is three quarters of a control group's limit, and the whole memory without one.
        var total = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        foreach (var file in Limits)
        {
            // "max" is no number; v1 says "no limit" with one beyond every machine.
            if (File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit < 1L << 50)
            {
                return limit;
            }
        }

        return total;
    }
}
