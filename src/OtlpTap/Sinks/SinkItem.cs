using OtlpTap.Otlp;

namespace OtlpTap.Sinks;

/// <summary>A case on its way: by name, for its files are on disk. What is sent is the case as it is when its turn comes.</summary>
/// <param name="CasePath">The folder of the case.</param>
/// <param name="TraceId">Which of its traces is new.</param>
/// <param name="Event"><c>case.created</c>, <c>case.updated</c> or <c>case.regressed</c>.</param>
/// <param name="Bytes">What it counts in the queue: the trace's file.</param>
internal sealed record SinkItem(string CasePath, TraceId TraceId, string Event, long Bytes);
