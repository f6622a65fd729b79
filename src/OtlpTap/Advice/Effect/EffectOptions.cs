namespace OtlpTap.Advice.Effect;

/// <summary>How it is measured whether advice helps.</summary>
internal sealed record EffectOptions
{
    /// <summary>Default true.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>A run's outcome is counted when nothing of it came for so long; default 30 s, 1 s to 1 h.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How far the report looks back; default 24 h, 1 h to 7 d.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Memory for single runs, which later feedback can still change. Default 32 MiB; 1 to 4096.</summary>
    public long RunBytesMax { get; init; } = 32L << 20;

    /// <summary>Runs that each side of a comparison needs before anything is claimed. Default 30; 5 to 100,000.</summary>
    public int RunsMin { get; init; } = 30;
}
