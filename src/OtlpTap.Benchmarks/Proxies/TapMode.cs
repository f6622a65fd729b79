namespace OtlpTap.Benchmarks.Proxies;

/// <summary>What of the tap is switched on while it is measured.</summary>
internal enum TapMode
{
    /// <summary>All rule packs, tagging, tee, recorder, cases, metrics.</summary>
    Everything,

    /// <summary>Inspected and tagged, but nothing offered to the recorder.</summary>
    WithoutTee,

    /// <summary>A pipeline without the tap processor: received and forwarded, no more.</summary>
    RelayOnly,
}
