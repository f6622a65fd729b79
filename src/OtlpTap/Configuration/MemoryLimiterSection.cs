namespace OtlpTap.Configuration;

/// <summary>
/// <c>processors.memory_limiter</c>. The Collector looks at its memory every so often and refuses requests above the soft limit;
/// the tap counts the bytes of what is in flight, and refuses from the same limit with the same kind of answer.
/// </summary>
internal static class MemoryLimiterSection
{
    private const int MibMax = 16_777_216;

    // The Collector's, of the hard limit.
    private const int SpikePercentage = 20;

    /// <param name="machineBytes">What percentages are of.</param>
    public static MemoryLimiterProcessor? Read(string id, Section section, Func<long> machineBytes)
    {
        var limitMib = section.Integer("limit_mib", null, 1, MibMax) ?? 0;
        var spikeMib = section.Integer("spike_limit_mib", null, 0, MibMax) ?? 0;
        var limitPercentage = section.Integer("limit_percentage", null, 1, 100) ?? 0;
        var spikePercentage = section.Integer("spike_limit_percentage", null, 0, 100) ?? 0;
        ReadIntervals(section);
        section.RefuseUnknownKeys();

        if (limitMib == 0 && limitPercentage == 0)
        {
            if (section.Value("limit_mib") is null && section.Value("limit_percentage") is null)
            {
                section.Problems.Error(section.Mark, section.PathOf("limit_mib"), "must be set, or `limit_percentage`");
            }

            return null;
        }

        // As in the Collector: what is in MiB wins.
        var (limit, spike, spikeKey) = limitMib > 0
            ? (limitMib << 20, spikeMib << 20, "spike_limit_mib")
            : (machineBytes() / 100 * limitPercentage, machineBytes() / 100 * spikePercentage, "spike_limit_percentage");
        if (spike >= limit)
        {
            section.Error(spikeKey, "leaves nothing of the limit");
            return null;
        }

        // In whole MiB, as `limits.in_flight_mib` is.
        var soft = (limit - (spike > 0 ? spike : limit / 100 * SpikePercentage)) >> 20 << 20;
        return new MemoryLimiterProcessor(id, limit, Math.Max(soft, 1 << 20));
    }

    // Go's collector of garbage is what these are about; the tap counts bytes as they come and go.
    private static void ReadIntervals(Section section)
    {
        foreach (var key in (string[])["check_interval", "min_gc_interval_when_soft_limited", "min_gc_interval_when_hard_limited", "max_gc_interval_when_soft_limited", "max_gc_interval_when_hard_limited"])
        {
            _ = section.OptionalDuration(key, null, TimeSpan.Zero, TimeSpan.FromDays(365));
        }
    }
}
