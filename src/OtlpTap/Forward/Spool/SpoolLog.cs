using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Forward.Spool;

internal static partial class SpoolLog
{
    [LoggerMessage(1, LogLevel.Warning, "Exporter {Exporter}: the upstream does not take data ({Status}: {Cause}). Requests are kept in the spool {Directory} and acknowledged until it does.")]
    public static partial void UpstreamDown(this ILogger logger, string exporter, StatusCode status, string cause, string directory);

    [LoggerMessage(2, LogLevel.Information, "Exporter {Exporter}: the upstream answers again; {Records} requests of the spool are to be delivered.")]
    public static partial void UpstreamUp(this ILogger logger, string exporter, long records);

    [LoggerMessage(3, LogLevel.Information, "Exporter {Exporter}: the spool {Directory} holds {Records} requests ({Bytes} bytes) of an earlier run, which are being delivered.")]
    public static partial void Recovered(this ILogger logger, string exporter, string directory, long records, long bytes);

    [LoggerMessage(4, LogLevel.Information, "Exporter {Exporter}: cut {Bytes} bytes from the end of {Path}, where the last run ended in the middle of a write; nothing of them had been acknowledged.")]
    public static partial void TailCut(this ILogger logger, string exporter, long bytes, string path);

    [LoggerMessage(5, LogLevel.Warning, "Exporter {Exporter}: lost a request of the spool with {Items} items of {Signal} that its sender takes for delivered: {Reason}. {Further} more were lost since the last such line.")]
    public static partial void Discarded(this ILogger logger, string exporter, Signal signal, int items, string reason, int further);

    [LoggerMessage(6, LogLevel.Error, "Exporter {Exporter}: {Path} is damaged at offset {Offset}. What can be read of it is delivered, and the file kept as " + SpoolSegment.AsideExtension + "; delete that when nobody needs it, it takes room of the spool.")]
    public static partial void Corrupt(this ILogger logger, string exporter, string path, long offset);

    [LoggerMessage(7, LogLevel.Error, "Exporter {Exporter}: the spool {Directory} cannot be written ({Cause}). Senders are told to come again while the upstream does not take data; {Further} more writes failed since the last such line.")]
    public static partial void DiskFailed(this ILogger logger, string exporter, string directory, string cause, int further);

    [LoggerMessage(8, LogLevel.Warning, "Exporter {Exporter}: the spool {Directory} is full ({Bytes} of max_size_mib's {BytesMax} bytes). Senders are told to come again until the upstream takes data; {Further} more were since the last such line.")]
    public static partial void Full(this ILogger logger, string exporter, string directory, long bytes, long bytesMax, int further);

    [LoggerMessage(9, LogLevel.Error, "Exporter {Exporter}: an error in the spool's own work, which goes on.")]
    public static partial void Faulted(this ILogger logger, string exporter, Exception exception);

    [LoggerMessage(10, LogLevel.Warning, "Exporter {Exporter}: {Path} cannot be read, deleted or renamed ({Cause}); it is tried again. {Further} more such failures since the last such line.")]
    public static partial void FileFailed(this ILogger logger, string exporter, string path, string cause, int further);

    [LoggerMessage(11, LogLevel.Warning, "Exporter {Exporter}: the upstream is there and does not take a request of the spool with {Signal} ({Status}: {Cause}). {Held} requests are held back, others go past them; each is tried again until it is {AgeMax} old. {Further} more such answers since the last such line.")]
    public static partial void Held(this ILogger logger, string exporter, Signal signal, StatusCode status, string cause, int held, TimeSpan ageMax, int further);

    [LoggerMessage(12, LogLevel.Information, "Exporter {Exporter}: no request of the spool is held back any more.")]
    public static partial void NoneHeld(this ILogger logger, string exporter);

    [LoggerMessage(13, LogLevel.Information, "Exporter {Exporter}: works without its spool {Directory} until the exporter from before the reload has ended; failures of the upstream go to the senders meanwhile.")]
    public static partial void WaitsForSpool(this ILogger logger, string exporter, string directory);

    [LoggerMessage(14, LogLevel.Information, "Exporter {Exporter}: has its spool {Directory} now.")]
    public static partial void SpoolOpened(this ILogger logger, string exporter, string directory);

    [LoggerMessage(15, LogLevel.Error, "Exporter {Exporter}: works without its spool, which cannot be opened: {Cause}. Failures of the upstream go to the senders; the next attempt is in {Seconds} s.")]
    public static partial void SpoolNotOpened(this ILogger logger, string exporter, string cause, double seconds);

    [LoggerMessage(16, LogLevel.Information, "Exporter {Exporter}: {Records} requests stay in the spool {Directory} for the next exporter that has it.")]
    public static partial void Left(this ILogger logger, string exporter, string directory, long records);

    [LoggerMessage(17, LogLevel.Error, "Exporter {Exporter}: {Path} cannot be read ({Cause}); its requests are not counted, and reading is tried again when it is their turn.")]
    public static partial void NotRecovered(this ILogger logger, string exporter, string path, string cause);
}
