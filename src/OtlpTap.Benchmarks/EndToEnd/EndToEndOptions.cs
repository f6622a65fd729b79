namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>How much to measure.</summary>
internal sealed record EndToEndOptions
{
    /// <summary>About how long one run takes. Default: 3 s.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Runs of each proxy under each load. Default: 5.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>Before the first round, for each proxy and load. Default: 3 s, the runtime's compiler needs some ten thousand calls to settle.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often a run that strangers disturbed is repeated; the quietest one counts. Default: 2.</summary>
    public int RepeatsMax { get; init; } = 2;

    /// <summary>Only loads with these request sizes. Default: empty, all.</summary>
    public IReadOnlyList<int> Spans { get; init; } = [];

    /// <summary>Requests in which 2 % of the spans have failed, at least one. Default: none has.</summary>
    public bool Failing { get; init; }

    public IEnumerable<LoadCase> Cases => LoadCase.All.Where(load => Spans.Count == 0 || Spans.Contains(load.Spans));

    /// <param name="quick">One short round, which shows that everything works.</param>
    public static EndToEndOptions Default(bool quick) => quick
        ? new() { Duration = TimeSpan.FromSeconds(0.5), Rounds = 1, WarmUp = TimeSpan.FromSeconds(1.5), RepeatsMax = 0 }
        : new();
}
