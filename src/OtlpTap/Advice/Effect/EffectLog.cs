namespace OtlpTap.Advice.Effect;

internal static partial class EffectLog
{
    [LoggerMessage(1, LogLevel.Error, "The outcome of a run was not counted because of an unexpected error.")]
    public static partial void SettlingFailed(this ILogger logger, Exception exception);
}
