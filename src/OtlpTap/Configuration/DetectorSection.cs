using System.Collections.Frozen;
using OtlpTap.Detectors;
using OtlpTap.Detectors.Grounding;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.detectors</c>: what looks at whole traces, and what it may cost.</summary>
internal static class DetectorSection
{
    public static DetectorOptions Read(Section detectors)
    {
        var defaults = new DetectorOptions();
        var grounding = defaults.Grounding;
        var disabled = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in DetectorSet.Names)
        {
            var detector = detectors.Map(name);
            if (!detector.Flag("enabled", byDefault: true))
            {
                disabled.Add(name);
            }

            if (name == GroundingDetector.Key)
            {
                grounding = grounding with { Threshold = detector.Real("threshold", grounding.Threshold, 0.01, 1) };
            }

            detector.RefuseUnknownKeys();
        }

        var options = defaults with
        {
            Grounding = grounding,
            Disabled = disabled.ToFrozenSet(StringComparer.Ordinal),
            IsEnabled = detectors.Flag("enabled", defaults.IsEnabled),
            Settle = detectors.Duration("settle", defaults.Settle, TimeSpan.Zero, TimeSpan.FromMinutes(10)),
            SettleMax = detectors.Duration("settle_max", defaults.SettleMax, TimeSpan.Zero, TimeSpan.FromHours(1)),
            CpuShare = detectors.Number("cpu_percent", (int)(defaults.CpuShare * 100), 1, 100) / 100.0,
            WaitingMax = detectors.Number("waiting_max", defaults.WaitingMax, 1, 1_000_000),
            TraceBytesMax = (int)detectors.Mebibytes("max_trace_mib", defaults.TraceBytesMax, 1, 256),
            TraceTimeMax = detectors.Duration("max_trace_time", defaults.TraceTimeMax, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
        };
        return options.SettleMax < options.Settle ? options with { SettleMax = options.Settle } : options;
    }
}
