using Microsoft.Extensions.Logging;

namespace OtlpTap.Recorder;

internal static partial class RecorderLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "A request could not be recorded; recording goes on")]
    public static partial void AppendFailed(this ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Looking at a recorded request failed; recording goes on")]
    public static partial void HandlerFailed(this ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "recorder: found {Requests} requests ({Bytes} bytes) of an earlier run in {Segments} segments of {Directory}, {Rebuilt} of them gone through record by record, in {Seconds:0.000} s")]
    public static partial void Recovered(this ILogger logger, string directory, int requests, long bytes, int segments, int rebuilt, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "recorder: {Count} requests in {Directory} are damaged and left out; all whole ones are there")]
    public static partial void RecordsDamaged(this ILogger logger, string directory, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "recorder.directory {Directory} cannot be used ({Problem}): recording goes on in memory and is lost at a restart")]
    public static partial void DirectoryFailed(this ILogger logger, string directory, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "recorder.directory {Directory} takes no further files ({Problem}): recording goes on in memory, which is lost at a restart; it is tried again")]
    public static partial void FilesFail(this ILogger logger, string directory, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "recorder.directory {Directory} takes files again")]
    public static partial void FilesWorkAgain(this ILogger logger, string directory);

    [LoggerMessage(Level = LogLevel.Warning, Message = "recorder: {Path} cannot be read, written, renamed or deleted: {Problem}")]
    public static partial void FileFailed(this ILogger logger, string path, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "recorder: {Path} cannot be used ({Reason}); it was renamed to {Aside}, delete that when nobody needs it")]
    public static partial void SegmentSetAside(this ILogger logger, string path, string reason, string aside);
}
