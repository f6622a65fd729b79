namespace OtlpTap.Health;

/// <summary>How much is remembered of how agents fare.</summary>
internal sealed record HealthOptions
{
    /// <summary>False: no windows are kept, and no advice can be given.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>Services, agents, tools and models, and their combinations, of which windows are kept; the one longest not heard of makes room. 16 to 1,000,000.</summary>
    public int SeriesMax { get; init; } = 4096;

    /// <summary>What all windows together may take; a series takes 1 to 60 KiB by its traffic. 1 MiB at least.</summary>
    public long BytesMax { get; init; } = 32L << 20;
}
