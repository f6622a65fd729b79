namespace OtlpTap.Client;

/// <summary>Waits that differ from agent to agent: a tap that comes back is not asked by all of them at once.</summary>
internal static class Backoff
{
    /// <summary>Doubles with each failure; from half of it to all of it.</summary>
    public static TimeSpan After(int failures, TimeSpan min, TimeSpan max) =>
        Math.Min(min.TotalSeconds * Math.Pow(2, Math.Min(failures, 30)), max.TotalSeconds) * TimeSpan.FromSeconds(0.5 + (Random.Shared.NextDouble() / 2));

    /// <summary>A tenth more or less.</summary>
    public static TimeSpan Around(TimeSpan interval) => interval * (0.9 + (Random.Shared.NextDouble() / 5));
}
