namespace OtlpTap.Corpus;

/// <summary>What another place than the recorder has of a trace.</summary>
/// <param name="Source">Which: <c>tempo</c> or <c>loki</c>, as it stands in the case.</param>
/// <param name="Spans">A serialized <c>ExportTraceServiceRequest</c>; may be empty.</param>
/// <param name="Logs">A serialized <c>ExportLogsServiceRequest</c>; may be empty.</param>
internal sealed record FetchedTrace(string Source, byte[] Spans, byte[] Logs)
{
    /// <summary>It said itself that something is missing.</summary>
    public bool IsPartial { get; init; }

    /// <summary>A value is exactly as long as the place lets values be: what was behind it is lost.</summary>
    public bool IsTruncationSuspected { get; init; }
}

/// <summary>
/// Is given a capture of which nothing is in the recorder. True: it will come back to the schedule, with a
/// <see cref="FetchedTrace"/>, or be ended there. Must not wait.
/// </summary>
internal delegate bool FetchElsewhere(Capture capture);
