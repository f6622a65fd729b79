namespace OtlpTap.Benchmarks.Proxies;

/// <summary>What of the tap is switched on while it is measured.</summary>
internal enum TapMode
{
    /// <summary>All rule packs, tagging, tee, recorder, cases, detectors, health, advice, feedback, metrics.</summary>
    Everything,

    /// <summary>The same without health, advice and feedback.</summary>
    WithoutHealth,

    /// <summary>Recorder and cases, but nobody looks how agents fare: no detectors, evaluations, health, advice, feedback.</summary>
    WithoutAgents,

    /// <summary>Inspected and tagged, but nothing offered to the recorder.</summary>
    WithoutTee,

    /// <summary>A pipeline without the tap processor: received and forwarded, no more.</summary>
    RelayOnly,
}
