using Microsoft.Extensions.Logging;

namespace OtlpTap.Recorder;

internal static partial class RecorderLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "A request could not be recorded; recording goes on")]
    public static partial void AppendFailed(this ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking at a recorded request failed; recording goes on")]
    public static partial void HandlerFailed(this ILogger logger, Exception exception);
}
