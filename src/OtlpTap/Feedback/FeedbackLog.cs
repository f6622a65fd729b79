namespace OtlpTap.Feedback;

internal static partial class FeedbackLog
{
    [LoggerMessage(1, LogLevel.Error, "Sessions that ended were not all judged because of an unexpected error; they are looked at again.")]
    public static partial void EndingFailed(this ILogger logger, Exception exception);
}
