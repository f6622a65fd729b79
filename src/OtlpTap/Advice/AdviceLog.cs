namespace OtlpTap.Advice;

internal static partial class AdviceLog
{
    [LoggerMessage(1, LogLevel.Warning, "Advice {Id}: {Advice}. {Reason}")]
    public static partial void Raised(this ILogger logger, string id, string advice, string reason);

    [LoggerMessage(2, LogLevel.Information, "Advice {Id} withdrawn after {Duration}: {Why}")]
    public static partial void Withdrawn(this ILogger logger, string id, TimeSpan duration, string why);

    [LoggerMessage(3, LogLevel.Warning, "{Count} further pieces of advice were not given: max_active allows {Max}")]
    public static partial void Refused(this ILogger logger, int count, int max);

    [LoggerMessage(4, LogLevel.Error, "Policies were not all evaluated because of an unexpected error; advice stays as it was, and they are looked at again.")]
    public static partial void EvaluationFailed(this ILogger logger, Exception exception);
}
