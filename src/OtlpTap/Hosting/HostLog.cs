namespace OtlpTap.Hosting;

internal static partial class HostLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "requests were still in flight when the shutdown deadline of {Deadline} ended; their senders were told to come again")]
    public static partial void NotDrained(this ILogger logger, TimeSpan deadline);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} further lines like these were left out")]
    public static partial void LinesLeftOut(this ILogger logger, int count);
}
