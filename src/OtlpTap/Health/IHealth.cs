namespace OtlpTap.Health;

/// <summary>Reads the windows. Any thread; costs about as much as a look-up and the buckets of a window.</summary>
internal interface IHealth
{
    /// <summary>All that something is known of at this moment; each with the levels above it.</summary>
    IReadOnlyList<HealthScope> Scopes();

    /// <summary>False: nothing of the kind happened in the window, and there is no value (a ratio of nothing, a quantile of nothing). Counts are 0 then, and true.</summary>
    bool TryRead(in HealthScope scope, in HealthValue value, out double number);
}
