namespace OtlpTap.Health.Windows;

/// <summary>Adds up the buckets of a window. Not thread-safe.</summary>
internal sealed class WindowReader(NameIds kinds, NameIds metrics)
{
    private readonly long[] _latencies = new long[LatencyScale.Length];
    private readonly Bucket?[] _buckets = new Bucket?[Series.WindowLengthMax];

    /// <param name="series">Null: nothing was ever heard of it.</param>
    /// <returns>False where there is no value: see <see cref="IHealth.TryRead"/>.</returns>
    public bool TryRead(Series? series, in HealthValue value, long now, out double number)
    {
        var buckets = series is null ? default : series.Window(value.Window, now, _buckets);
        return value.Subject switch
        {
            HealthSubject.Tool or HealthSubject.Llm or HealthSubject.Run => TryReadCalls(buckets, value, out number),
            HealthSubject.Failure => TryReadFailures(buckets, value, series?.Scope ?? default, out number),
            HealthSubject.Feedback => TryReadFeedback(buckets, value, out number),
            HealthSubject.Evaluation => TryReadScores(buckets, value, metrics.Find(value.Name), out number),
            HealthSubject.Grounding => TryReadScores(buckets, value, metrics.Find(HealthWindows.GroundingDetector), out number),
            _ => TryReadTokens(buckets, value, out number),
        };
    }

    private bool TryReadCalls(Span<Bucket?> buckets, in HealthValue value, out double number)
    {
        if (value.Measure == HealthMeasure.Latency)
        {
            return TryReadLatency(buckets, value, out number);
        }

        var (count, errors) = (0L, 0L);
        var kind = value.Name.Length > 0 ? kinds.Find(value.Name) : -1;
        foreach (var bucket in buckets)
        {
            if (bucket!.Find(value.Subject) is { } calls)
            {
                count += calls.Count;
                errors += value.Name.Length > 0 ? calls.ErrorsOf(kind) : calls.Errors;
            }
        }

        return TryTell(value.Measure, count, errors, out number);
    }

    private bool TryReadLatency(Span<Bucket?> buckets, in HealthValue value, out double number)
    {
        Array.Clear(_latencies);
        foreach (var bucket in buckets)
        {
            bucket!.Find(value.Subject)?.AddLatenciesTo(_latencies);
        }

        var isAny = _latencies.AsSpan().ContainsAnyExcept(0);
        number = isAny ? LatencyScale.Quantile(_latencies, value.Quantile) : 0;
        return isAny;
    }

    /// <summary>Of all runs; at the scope of a tool or a model, of all its calls.</summary>
    private bool TryReadFailures(Span<Bucket?> buckets, in HealthValue value, in HealthScope scope, out double number)
    {
        var (count, failed) = (0L, 0L);
        var kind = kinds.Find(value.Name);
        foreach (var bucket in buckets)
        {
            failed += bucket!.FailuresOf(kind);
            count += scope.Tool is { Length: > 0 } ? bucket.Find(HealthSubject.Tool)?.Count ?? 0
                : scope.Model is { Length: > 0 } ? bucket.Find(HealthSubject.Llm)?.Count ?? 0
                : bucket.Traces;
        }

        return TryTell(value.Measure == HealthMeasure.Count ? HealthMeasure.Errors : value.Measure, count, failed, out number);
    }

    private static bool TryReadFeedback(Span<Bucket?> buckets, in HealthValue value, out double number)
    {
        var (positive, neutral, negative) = (0L, 0L, 0L);
        foreach (var bucket in buckets)
        {
            positive += bucket!.Positive;
            neutral += bucket.Neutral;
            negative += bucket.Negative;
        }

        return value.Measure switch
        {
            HealthMeasure.NegativeCount => TryTell(HealthMeasure.Count, negative, 0, out number),
            HealthMeasure.NegativeRatio => TryTell(HealthMeasure.ErrorRatio, positive + negative, negative, out number),
            _ => TryTell(HealthMeasure.Count, positive + neutral + negative, 0, out number),
        };
    }

    private static bool TryReadScores(Span<Bucket?> buckets, in HealthValue value, int metric, out double number)
    {
        var (count, sum) = (0L, 0.0);
        foreach (var bucket in buckets)
        {
            var (more, scores) = bucket!.ScoresOf(metric);
            count += more;
            sum += scores;
        }

        number = value.Measure == HealthMeasure.Count ? count : count == 0 ? 0 : sum / count;
        return value.Measure == HealthMeasure.Count || count > 0;
    }

    private static bool TryReadTokens(Span<Bucket?> buckets, in HealthValue value, out double number)
    {
        var (input, output) = (0L, 0L);
        foreach (var bucket in buckets)
        {
            input += bucket!.InputTokens;
            output += bucket.OutputTokens;
        }

        number = value.Name switch { "input" => input, "output" => output, _ => input + output };
        return true;
    }

    /// <summary>A ratio is at most 1: verdicts come late, and may be of more runs than the window has.</summary>
    private static bool TryTell(HealthMeasure measure, long count, long errors, out double number)
    {
        number = measure switch
        {
            HealthMeasure.Count => count,
            HealthMeasure.Errors => errors,
            _ => count == 0 ? 0 : Math.Min(1, (double)errors / count),
        };
        return measure is HealthMeasure.Count or HealthMeasure.Errors || count > 0;
    }
}
