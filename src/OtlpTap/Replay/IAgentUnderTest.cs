namespace OtlpTap.Replay;

/// <summary>The agent as it is outside: a service or a program.</summary>
internal interface IAgentUnderTest
{
    /// <summary>Gives it the case's input. Returns when it has answered; null when it says that all went well, else what it says.</summary>
    Task<string?> RunAsync(ReplayRun run, ReplayAddresses addresses, CancellationToken cancellation);
}

/// <summary>Where the run's telemetry goes, and where its recorded world is; null where there is none.</summary>
internal sealed record ReplayAddresses(Uri Otlp, Uri? Model, Uri? Tools, Uri? Mcp);
