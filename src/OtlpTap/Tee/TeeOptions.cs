namespace OtlpTap.Tee;

/// <summary>How much may wait behind the tee.</summary>
internal sealed record TeeOptions
{
    /// <summary>
    /// Bytes of requests that may wait for the recorder; what does not fit is dropped and counted. Default 64 MiB, which
    /// is a tenth of a second of the fastest traffic the tap relays. Range 1 MiB to 16 GiB. A single larger request passes
    /// when nothing else waits.
    /// </summary>
    public long QueueBytesMax { get; init; } = 64L << 20;
}
