namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>How much to measure.</summary>
internal sealed record EndToEndOptions
{
    /// <summary>About how long one run takes. Default: 3 s.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Runs of each proxy under each load. Default: 5.</summary>
    public required int Rounds { get; init; }

    /// <summary>Before the first round, for each proxy and load: the runtime's compiler needs some ten thousand calls to settle. Default: 3 s.</summary>
    public required TimeSpan WarmUp { get; init; }

    /// <summary>How often a run that strangers disturbed is repeated; the quietest one counts. Default: 2.</summary>
    public required int RepeatsMax { get; init; }

    /// <summary>Only loads with these request sizes; empty for all.</summary>
    public required IReadOnlyList<int> Spans { get; init; }

    /// <summary>Requests in which 2 % of the spans have failed, at least one.</summary>
    public required bool Failing { get; init; }

    public IEnumerable<LoadCase> Cases => LoadCase.All.Where(load => Spans.Count == 0 || Spans.Contains(load.Spans));
}
