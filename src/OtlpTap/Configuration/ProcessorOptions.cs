namespace OtlpTap.Configuration;

/// <summary>One of <c>processors</c>.</summary>
internal abstract record ProcessorOptions(string Id);

/// <summary><c>processors.tap</c>.</summary>
internal sealed record TapProcessor(string Id, TapProcessorOptions Options) : ProcessorOptions(Id);

/// <summary><c>processors.memory_limiter</c>: nothing of its own, a bound for the requests in flight.</summary>
/// <param name="LimitBytes">The hard limit.</param>
/// <param name="InFlightBytesMax">The soft limit, from which the Collector refuses.</param>
internal sealed record MemoryLimiterProcessor(string Id, long LimitBytes, long InFlightBytesMax) : ProcessorOptions(Id);

/// <summary><c>processors.batch</c>: accepted, and nothing more.</summary>
internal sealed record BatchProcessor(string Id) : ProcessorOptions(Id);
