namespace OtlpTap.Testing;

/// <summary>How a case is run again.</summary>
public sealed record RegressionSettings
{
    /// <summary>Serves the recorded answers of the model.</summary>
    public bool StubModel { get; init; }

    /// <summary>Serves the recorded results of the tools.</summary>
    public bool StubTools { get; init; }

    /// <summary>A recorded answer also fits where tools returned something else than they did then.</summary>
    public bool IgnoreToolResults { get; init; }

    /// <summary>In which the agent must have answered. Default 2 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>In which its spans must have come after that. Default 15 seconds.</summary>
    public TimeSpan SpansWithin { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Quiet time after which a run that looks whole is judged. Default 1 second.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Configuration of the tap whose rules and detectors judge; none for the built-in default.</summary>
    public IReadOnlyList<string> ConfigurationFiles { get; init; } = [];
}
