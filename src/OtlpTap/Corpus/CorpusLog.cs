using Microsoft.Extensions.Logging;
using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

internal static partial class CorpusLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "case written: {Failure}  {TraceId}  {Path}")]
    public static partial void CaseWritten(this ILogger logger, string failure, TraceId traceId, string path);

    [LoggerMessage(Level = LogLevel.Information, Message = "case updated: {Failure}  {TraceId}  {Path}")]
    public static partial void CaseUpdated(this ILogger logger, string failure, TraceId traceId, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "case regressed: {Failure}  {TraceId}  {Path}")]
    public static partial void CaseRegressed(this ILogger logger, string failure, TraceId traceId, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "cases cannot be written to {Directory}: {Problem}; trying again, telemetry is relayed meanwhile")]
    public static partial void WritingFails(this ILogger logger, string directory, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "cases can be written to {Directory} again; {Count} were given up meanwhile")]
    public static partial void WritingWorksAgain(this ILogger logger, string directory, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the folder of cases {Directory} has reached its size of {Bytes} bytes; no case is written until there is room")]
    public static partial void DirectoryFull(this ILogger logger, string directory, long bytes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} cannot be read ({Problem}); it was renamed to {Aside} and is written anew")]
    public static partial void FileSetAside(this ILogger logger, string path, string problem, string aside);

    [LoggerMessage(Level = LogLevel.Warning, Message = "a case cannot be read: {Problem}; its traces are not known, and when it occurs again the file is renamed and written anew")]
    public static partial void CaseUnreadable(this ILogger logger, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "the case of trace {TraceId} could not be made")]
    public static partial void CaseFailed(this ILogger logger, TraceId traceId, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "shutting down: {Count} cases were not written within {Deadline}")]
    public static partial void NotWrittenInTime(this ILogger logger, int count, TimeSpan deadline);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} further cases were written or failed and are not named here; the counters have them")]
    public static partial void CasesNotNamed(this ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} is damaged; what it says before that is carried out, and the requests in the recorder are looked at again")]
    public static partial void JournalDamaged(this ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} cannot be written or read: {Problem}; cases are written all the same, but those that wait at a kill may be missed. It is tried again")]
    public static partial void JournalFails(this ILogger logger, string path, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Path} can be written again")]
    public static partial void JournalWorksAgain(this ILogger logger, string path);

    [LoggerMessage(Level = LogLevel.Information, Message = "an earlier run left {Captures} cases to be written; {Requests} requests that it may not have looked at have been looked at again, and {Found} cases more are due")]
    public static partial void Resumed(this ILogger logger, int captures, int requests, int found);

    [LoggerMessage(Level = LogLevel.Warning, Message = "shutting down: {Count} cases were not written within {Deadline}; the next start writes them")]
    public static partial void LeftForNextStart(this ILogger logger, int count, TimeSpan deadline);
}
