using OtlpTap.Redact;

namespace OtlpTap.Corpus;

/// <summary>Where cases go, when they are written, and how many there may be.</summary>
internal sealed record CorpusOptions
{
    /// <summary>The folder of the cases; made when the first is written. Default <c>./otlptap-data/cases</c>.</summary>
    public string Directory { get; init; } = "./otlptap-data/cases";

    /// <summary>
    /// How long a trace must have been quiet before its case is written (<c>settle</c>). Default 5 s, which is the
    /// span processors' usual batch delay. Range 0 to 10 minutes.
    /// </summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long after the first verdict the case is written even if the trace goes on (<c>settle_max</c>). Default 60 s.
    /// At least <see cref="Settle"/>.
    /// </summary>
    public TimeSpan SettleMax { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long after a case was due later spans of its trace are still added (<c>late_window</c>). Default 10 minutes.</summary>
    public TimeSpan LateWindow { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Traces remembered for late spans; the oldest are forgotten first. Default 100,000 (about 8 MB when full).</summary>
    public int LateTracesMax { get; init; } = 100_000;

    /// <summary>Captures that may wait to settle or to be written. Default 16,384: 5 s at 3,000 failing traces a second.</summary>
    public int PendingMax { get; init; } = 16_384;

    /// <summary>New cases in any hour, so that an outage of a model does not bury the disk (<c>cases_per_hour</c>). Default 10,000; 0 is no limit.</summary>
    public int CasesPerHourMax { get; init; } = 10_000;

    /// <summary>
    /// How often in an hour the files of one case may change because of further occurrences (<c>cases_per_hour_per_fingerprint</c>);
    /// counts are kept all the same. Default 20; 0 is no limit.
    /// </summary>
    public int UpdatesPerHourMax { get; init; } = 20;

    /// <summary>Traces kept beside a case's first one, chosen for variety (<c>traces_per_case</c>). Default 5; 0 to 1,000.</summary>
    public int TracesPerCase { get; init; } = 5;

    /// <summary>How often the counts of a case are written while it occurs. Default 30 s.</summary>
    public TimeSpan SeenInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Cases whose counts and limits are held in memory; the one longest unseen leaves first. Default 10,000 (about 1 KB each).</summary>
    public int CasesInMemoryMax { get; init; } = 10_000;

    /// <summary>What is taken out before anything is written (<c>redact</c>).</summary>
    public RedactOptions Redact { get; init; } = new();

    /// <summary>Bytes of the case folder beyond which nothing is written (<c>max_size_mib</c>). Default 4 GiB; 0 is no limit.</summary>
    public long DirectoryBytesMax { get; init; } = 4L << 30;

    /// <summary>
    /// Bytes of one trace's spans in a case, and again of its logs. Default 64 MiB, the receivers' message limit. Range
    /// 1 to 256 MiB. Writing a case takes about six times its size in memory for a moment; one is written at a time.
    /// </summary>
    public int TraceBytesMax { get; init; } = 64 << 20;
}
