namespace OtlpTap.Pull;

internal static partial class PullLog
{
    [LoggerMessage(1, LogLevel.Information, "Pulled from {Source}: {Traces} traces, {Failing} of them failing, {Cases} cases")]
    public static partial void Pulled(this ILogger<PullSchedule> logger, string source, long traces, long failing, long cases);

    [LoggerMessage(2, LogLevel.Warning, "Pulling from {Source} ended early, and goes on with the next run: {Cause}")]
    public static partial void EndedEarly(this ILogger<PullSchedule> logger, string source, string cause);

    [LoggerMessage(3, LogLevel.Error, "A run of pulling from {Source} failed by a mistake of the tap's")]
    public static partial void Failed(this ILogger<PullSchedule> logger, string source, Exception exception);

    [LoggerMessage(4, LogLevel.Debug, "Pulling from {Source}: {Line}")]
    public static partial void Said(this ILogger<PullSchedule> logger, string source, string line);

    [LoggerMessage(5, LogLevel.Warning, "Trace {TraceId} is not in the recorder any more and could not be fetched from Tempo: {Cause}")]
    public static partial void NotFetched(this ILogger<LateTraces> logger, Otlp.TraceId traceId, string cause);

    [LoggerMessage(6, LogLevel.Error, "Fetching a trace failed by a mistake of the tap's")]
    public static partial void FetchFailed(this ILogger<LateTraces> logger, Exception exception);
}
