namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>One kind of load: which request, how many connections, how many requests in flight on each.</summary>
internal sealed record LoadCase(int Spans, int Connections, int Streams)
{
    /// <summary>Small requests at two depths of concurrency, ordinary ones, an exporter's full batches; and one at a time, where latency shows.</summary>
    public static readonly LoadCase[] All =
    [
        new(1, 16, 32),
        new(1, 4, 16),
        new(50, 4, 16),
        new(512, 4, 2),
        new(1, 1, 1),
        new(50, 1, 1),
    ];

    public string Title => (Spans == 1 ? "1 span" : $"{Spans} spans") + " a request, "
        + (Connections * Streams == 1 ? "one at a time" : $"{Connections} connections x {Streams} streams");

    /// <summary>2 % of the spans, but one at least.</summary>
    public int FailingSpans => Math.Max(1, Spans / 50);
}
