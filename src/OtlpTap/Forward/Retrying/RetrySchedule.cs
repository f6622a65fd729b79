namespace OtlpTap.Forward.Retrying;

/// <summary>
/// How long to wait before each further attempt of one request: from <c>initial_interval</c>, multiplied each time up to
/// <c>max_interval</c>; each wait is drawn from around its interval, so that requests that failed together do not come
/// back together. As the Collector's (cenkalti/backoff), whose waits may pass <c>max_interval</c> by the drawn part, too.
/// </summary>
internal struct RetrySchedule(RetryOptions options, Random random)
{
    private TimeSpan _interval = options.InitialInterval < options.IntervalMax ? options.InitialInterval : options.IntervalMax;

    public TimeSpan Next()
    {
        var wait = _interval * (1 + (options.RandomizationFactor * ((2 * random.NextDouble()) - 1)));
        _interval = _interval < options.IntervalMax / options.Multiplier ? _interval * options.Multiplier : options.IntervalMax;
        return wait;
    }
}
