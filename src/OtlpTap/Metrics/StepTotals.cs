using Prometheus;

namespace OtlpTap.Metrics;

/// <summary>
/// Steps of one sort since the last scrape: added up here and told to the registry once for each scrape, for its histograms
/// take several times as long for one value. Under <see cref="HealthMetrics.StepGate"/>.
/// </summary>
internal sealed class StepTotals(string[] labels, Counter.Child steps, Histogram.Child seconds, Counter.Child? inputTokens, Counter.Child? outputTokens)
{
    // From a cached answer to an agent's run of minutes.
    public static readonly double[] SecondsBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

    // The last is of what took longer than all of them.
    private readonly (long Count, double Sum)[] _taken = new (long, double)[SecondsBuckets.Length + 1];
    private readonly Dictionary<string, Failures> _failures = new(StringComparer.Ordinal);
    private long _steps;
    private long _inputTokens;
    private long _outputTokens;

    public string[] Labels => labels;

    /// <summary>False where its series has yet to be named by <see cref="AddFailures"/>.</summary>
    public bool TryFail(string failure)
    {
        if (!_failures.TryGetValue(failure, out var failures))
        {
            return false;
        }

        failures.Count++;
        return true;
    }

    public void AddFailures(string failure, Counter.Child series) => _failures.Add(failure, new Failures(series));

    /// <param name="took">In seconds; null: not known.</param>
    public void Add(double? took, long input, long output)
    {
        _steps++;
        _inputTokens += input;
        _outputTokens += output;
        if (took is { } value)
        {
            ref var bucket = ref _taken[BucketOf(value)];
            bucket.Count++;
            bucket.Sum += value;
        }
    }

    /// <summary>Tells the registry what came since it was last told. Steps before their failures, which are never more.</summary>
    public void Publish()
    {
        if (_steps > 0)
        {
            PublishSteps();
        }

        foreach (var failures in _failures.Values)
        {
            failures.Publish();
        }
    }

    private void PublishSteps()
    {

        steps.Inc(_steps);
        inputTokens?.Inc(_inputTokens);
        outputTokens?.Inc(_outputTokens);
        (_steps, _inputTokens, _outputTokens) = (0, 0, 0);
        for (var bucket = 0; bucket < _taken.Length; bucket++)
        {
            if (_taken[bucket] is { Count: > 0 } taken)
            {
                // As many of their mean: it falls into the same bucket, and adds the same to the sum.
                var mean = taken.Sum / taken.Count;
                seconds.Observe(bucket < SecondsBuckets.Length ? Math.Min(mean, SecondsBuckets[bucket]) : mean, taken.Count);
                _taken[bucket] = default;
            }
        }
    }

    private static int BucketOf(double value)
    {
        var bucket = 0;
        while (bucket < SecondsBuckets.Length && value > SecondsBuckets[bucket])
        {
            bucket++;
        }

        return bucket;
    }

    private sealed class Failures(Counter.Child series)
    {
        public long Count { get; set; }

        public void Publish()
        {
            series.Inc(Count);
            Count = 0;
        }
    }
}
