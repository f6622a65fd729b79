using System.Collections.Frozen;
using OtlpTap.Detectors.Grounding;

namespace OtlpTap.Detectors;

/// <summary>Which detectors look at traces, and what they may cost (<c>processors.tap.detectors</c>).</summary>
internal sealed record DetectorOptions
{
    /// <summary>Whether anything is examined at all (<c>enabled</c>). Default true.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>Names of detectors that are switched off (<c>detectors.NAME.enabled: false</c>). Default none.</summary>
    public IReadOnlySet<string> Disabled { get; init; } = FrozenSet<string>.Empty;

    /// <summary>How long a trace must have been quiet before it is examined (<c>settle</c>). Default 2 s: shorter than a case waits. Range 0 to 10 minutes.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long after its first span a trace is examined even if it goes on (<c>settle_max</c>). Default 30 s. At least <see cref="Settle"/>.</summary>
    public TimeSpan SettleMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Share of one processor core that detection may use, as a mean over some seconds; a twentieth of it while processors are scarce (<c>cpu_percent</c>). Default 0.25.</summary>
    public double CpuShare { get; init; } = 0.25;

    /// <summary>Traces that may wait to be examined (<c>waiting_max</c>). Default 16,384. Range 1 to 1,000,000.</summary>
    public int WaitingMax { get; init; } = 16_384;

    /// <summary>Bytes of one trace's spans, and again of its logs; larger ones are not examined (<c>max_trace_mib</c>). Default 8 MiB. Range 1 to 256 MiB.</summary>
    public int TraceBytesMax { get; init; } = 8 << 20;

    /// <summary>Time for one trace, after which it is left with what was found (<c>max_trace_time</c>). Default 1 s.</summary>
    public TimeSpan TraceTimeMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Traces of which is remembered what was said, so that late spans repeat no verdict; the oldest are forgotten first. Default 65,536.</summary>
    public int JudgedMax { get; init; } = 65_536;

    /// <summary>What the check of answers against their inputs may look at, and from when on it speaks (<c>grounding</c>).</summary>
    public GroundingOptions Grounding { get; init; } = new();

    public bool Has(string detector) => !Disabled.Contains(detector);
}
