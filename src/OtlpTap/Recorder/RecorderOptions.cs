namespace OtlpTap.Recorder;

/// <summary>How much of the past the recorder keeps.</summary>
internal sealed record RecorderOptions
{
    /// <summary>
    /// Bytes of requests that are held at least, once so many have come (<c>max_size_mib</c>), compressed where they are.
    /// Default 256 MiB, range 16 MiB to 64 GiB. What that takes in memory is said at <see cref="SegmentRing"/>.
    /// </summary>
    public long SizeBytesMax { get; init; } = 256L << 20;

    /// <summary>Older requests are not found any more, and their memory is given back (<c>max_age</c>). Default 1 hour, range 1 minute to 7 days.</summary>
    public TimeSpan AgeMax { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Where segments are files, which a restart finds again (<c>directory</c>). Default empty: anonymous memory.</summary>
    public string Directory { get; init; } = "";

    /// <summary>How records stand in the ring (<c>compression</c>). Default as they came.</summary>
    public RecordEncoding Compression { get; init; }

    /// <summary>
    /// Of a ring in files, how much memory stands in for files that the disk does not give. Default 256 MiB, what a ring
    /// in memory has; beyond it the oldest is overwritten.
    /// </summary>
    public long AnonymousBytesMax { get; init; } = 256L << 20;

    /// <summary>
    /// Size of one segment, the unit in which the oldest is overwritten. 4 MiB: 64 of them in the default ring, so that
    /// a look-up asks the sieve for 64 of them and searches a few, and what is held beyond the limit stays under 2 %. A multiple of 8, under
    /// <see cref="RecordHeader.SegmentBytesMax"/>; in files of 4096.
    /// </summary>
    public int SegmentBytes { get; init; } = 4 << 20;

    /// <summary>The largest request that is recorded: the receivers' message limit. Default 64 MiB; never more than <see cref="SizeBytesMax"/>.</summary>
    public int RequestBytesMax { get; init; } = 64 << 20;
}
