namespace OtlpTap.Judges;

internal static partial class JudgesLog
{
    [LoggerMessage(1, LogLevel.Warning, "Judge {Judge}: no answer that can be used: {Cause}. Said once until there is one.")]
    public static partial void NoAnswer(this ILogger logger, string judge, string cause);

    [LoggerMessage(2, LogLevel.Information, "Judge {Judge}: answers again.")]
    public static partial void AnswersAgain(this ILogger logger, string judge);

    [LoggerMessage(3, LogLevel.Error, "Judge {Judge}: an unexpected error; the next run is asked about.")]
    public static partial void Faulted(this ILogger logger, string judge, Exception exception);
}
