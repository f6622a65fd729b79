namespace OtlpTap.Benchmarks.Transport;

/// <summary>How much to measure.</summary>
internal sealed record TransportOptions
{
    /// <summary>How long one run takes. Default: 2 s.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Runs of each transport under each load. Default: 7.</summary>
    public int Rounds { get; init; } = 7;

    /// <summary>Before the first round of a load, for each transport. Default: 3 s, the runtime's compiler needs some ten thousand calls to settle.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often a run that strangers disturbed is repeated; the quietest one counts. Default: 2.</summary>
    public int RepeatsMax { get; init; } = 2;

    /// <param name="quick">One short round, which shows that everything works.</param>
    public static TransportOptions Default(bool quick) => quick
        ? new() { Duration = TimeSpan.FromSeconds(0.5), Rounds = 1, WarmUp = TimeSpan.FromSeconds(1), RepeatsMax = 0 }
        : new();
}
