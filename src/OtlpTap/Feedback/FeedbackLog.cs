namespace OtlpTap.Feedback;

internal static partial class FeedbackLog
{
    [LoggerMessage(1, LogLevel.Error, "Sessions that ended were not all judged because of an unexpected error; they are looked at again.")]
    public static partial void EndingFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2, LogLevel.Error, "Feedback that waited for what it speaks of was not all told because of an unexpected error.")]
    public static partial void WaitingFailed(this ILogger logger, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "The key for users' hashes cannot be read or made ({Problem}): those of feedback are by a key of this process alone.")]
    public static partial void KeyIsOwn(this ILogger logger, string problem);
}
