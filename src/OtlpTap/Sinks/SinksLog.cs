namespace OtlpTap.Sinks;

internal static partial class SinksLog
{
    [LoggerMessage(1, LogLevel.Warning, "Cases: sink {Sink} does not take them: {Cause}. Said once until it takes some.")]
    public static partial void NotTaken(this ILogger logger, string sink, string cause);

    [LoggerMessage(2, LogLevel.Information, "Cases: sink {Sink} takes them again.")]
    public static partial void TakenAgain(this ILogger logger, string sink);

    [LoggerMessage(3, LogLevel.Error, "Cases: sending one to sink {Sink} ended in an error that it should not come to; the next are sent.")]
    public static partial void Faulted(this ILogger logger, string sink, Exception exception);
}
