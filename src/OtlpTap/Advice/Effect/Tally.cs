namespace OtlpTap.Advice.Effect;

/// <summary>What came of the runs on one side of a comparison. What was added can be taken out again.</summary>
internal sealed class Tally
{
    private const int MetricsMax = 8;

    private Dictionary<string, Score>? _scores;
    private LatencyHistogram? _latency;

    public long Runs { get; private set; }

    public long Succeeded { get; private set; }

    /// <summary>Runs that users praised or complained of.</summary>
    public long WithFeedback { get; private set; }

    public long WithBlame { get; private set; }

    /// <summary>How many of the runs chance was expected to hold out, and the variance of that number.</summary>
    public double ExpectedHeldOut { get; private set; }

    public double HeldOutVariance { get; private set; }

    /// <summary>Held out, and yet the advice was followed.</summary>
    public long Against { get; private set; }

    public Proportion Success => new(Succeeded, Runs);

    public double? MedianSeconds => _latency?.Median;

    public IReadOnlyDictionary<string, Score> Scores => _scores ?? [];

    /// <param name="times">1, or -1 to take it out.</param>
    public void Add(CountedRun run, in Place place, int times)
    {
        Runs += times;
        Succeeded += run.IsSuccess ? times : 0;
        WithFeedback += run.HasFeedback ? times : 0;
        WithBlame += run.HasBlame ? times : 0;
        Against += place.IsAgainst ? times : 0;
        ExpectedHeldOut += times * place.Holdout;
        HeldOutVariance += times * place.Holdout * (1 - place.Holdout);
        if (run.Seconds is { } seconds)
        {
            (_latency ??= new LatencyHistogram()).Add(seconds, times);
        }

        foreach (var (metric, score) in run.Scores)
        {
            Add(metric, score, times);
        }
    }

    public void Add(Tally other)
    {
        Runs += other.Runs;
        Succeeded += other.Succeeded;
        WithFeedback += other.WithFeedback;
        WithBlame += other.WithBlame;
        Against += other.Against;
        ExpectedHeldOut += other.ExpectedHeldOut;
        HeldOutVariance += other.HeldOutVariance;
        if (other._latency is not null)
        {
            (_latency ??= new LatencyHistogram()).Add(other._latency);
        }

        foreach (var (metric, score) in other.Scores)
        {
            Add(metric, score, 1);
        }
    }

    private void Add(string metric, in Score score, int times)
    {
        _scores ??= [];
        if (_scores.Count < MetricsMax || _scores.ContainsKey(metric))
        {
            var known = _scores.GetValueOrDefault(metric);
            _scores[metric] = new Score(known.Sum + (times * score.Sum), known.Count + (times * score.Count));
        }
    }
}
