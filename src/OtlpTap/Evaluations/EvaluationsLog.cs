namespace OtlpTap.Evaluations;

internal static partial class EvaluationsLog
{
    [LoggerMessage(1, LogLevel.Error, "An evaluation result became no verdict because of an unexpected error; the next are judged. Later errors are counted in otlptap_evaluations_dropped_total.")]
    public static partial void EvaluationFailed(this ILogger logger, Exception exception);
}
