namespace OtlpTap.Benchmarks.Transport;

/// <summary>One kind of load: how large the messages are, and how many calls wait for their answers at the same time.</summary>
internal readonly record struct TransportCase(int MessageBytes, int InFlight)
{
    /// <summary>A single span, a request too large to be joined, a batch of an SDK's exporter; many calls at once, as many as the tap makes with joined requests, and one, where latency shows.</summary>
    public static readonly TransportCase[] All =
    [
        new(500, 64),
        new(500, 4),
        new(500, 1),
        new(65_000, 64),
        new(65_000, 4),
        new(65_000, 1),
        new(356_000, 4),
    ];

    public string Title => $"{(MessageBytes < 1000 ? $"{MessageBytes} B" : $"{MessageBytes / 1000} KB")}, {InFlight} in flight";
}
