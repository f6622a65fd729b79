using Grpc.Core;
using OtlpTap.Metrics;

namespace OtlpTap.Forward.Spool;

internal static partial class SpoolLog
{
    [LoggerMessage(1, LogLevel.Warning, "Exporter {Exporter}: the upstream does not take data ({Status}: {Cause}); requests go to the spool {Directory} until it does.")]
    public static partial void UpstreamDown(this ILogger logger, string exporter, StatusCode status, string cause, string directory);

    [LoggerMessage(2, LogLevel.Information, "Exporter {Exporter}: the upstream takes data again; {Records} requests of the spool are to be delivered.")]
    public static partial void UpstreamUp(this ILogger logger, string exporter, long records);

    [LoggerMessage(3, LogLevel.Information, "Exporter {Exporter}: the spool {Directory} holds {Records} requests ({Bytes} bytes) of an earlier run.")]
    public static partial void Recovered(this ILogger logger, string exporter, string directory, long records, long bytes);

    [LoggerMessage(4, LogLevel.Information, "Exporter {Exporter}: cut {Bytes} bytes of unfinished records, never acknowledged, from the end of {Path}.")]
    public static partial void TailCut(this ILogger logger, string exporter, long bytes, string path);

    [LoggerMessage(5, LogLevel.Warning, "Exporter {Exporter}: a request of {Items} items was discarded from the spool ({Reason}: {Detail}); {Further} further ones since the last such line.")]
    public static partial void Discarded(this ILogger logger, string exporter, int items, SpoolDiscard reason, string detail, int further);

    [LoggerMessage(6, LogLevel.Error, "Exporter {Exporter}: {Path} cannot be read at offset {Offset}; what can be read of it is delivered, and the file kept as " + SpoolSegment.AsideExtension + ".")]
    public static partial void Corrupt(this ILogger logger, string exporter, string path, long offset);

    [LoggerMessage(7, LogLevel.Error, "Exporter {Exporter}: the spool {Directory} cannot be written ({Cause}); requests are refused until it can; {Further} further failures since the last such line.")]
    public static partial void DiskFailed(this ILogger logger, string exporter, string directory, string cause, int further);

    [LoggerMessage(8, LogLevel.Warning, "Exporter {Exporter}: the spool {Directory} is full ({Bytes} bytes); requests are refused; {Further} further ones since the last such line.")]
    public static partial void Full(this ILogger logger, string exporter, string directory, long bytes, int further);

    [LoggerMessage(9, LogLevel.Error, "Exporter {Exporter}: an error in the spool's own loop; it goes on.")]
    public static partial void Faulted(this ILogger logger, string exporter, Exception exception);

    [LoggerMessage(10, LogLevel.Warning, "Exporter {Exporter}: {Path} cannot be read, deleted or renamed ({Cause}); it is tried again; {Further} further failures since the last such line.")]
    public static partial void FileFailed(this ILogger logger, string exporter, string path, string cause, int further);
}
