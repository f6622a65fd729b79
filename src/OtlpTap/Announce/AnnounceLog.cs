namespace OtlpTap.Announce;

internal static partial class AnnounceLog
{
    [LoggerMessage(1, LogLevel.Warning, "Verdicts for {Signal}: exporter {Exporter} does not take them: {Status} {Cause}. Said once until it takes some.")]
    public static partial void NotTaken(this ILogger logger, string signal, string exporter, Grpc.Core.StatusCode status, string cause);

    [LoggerMessage(2, LogLevel.Information, "Verdicts for {Signal}: exporter {Exporter} takes them again.")]
    public static partial void TakenAgain(this ILogger logger, string signal, string exporter);

    [LoggerMessage(3, LogLevel.Error, "Verdicts for {Signal}: sending them ended in an error that no exporter should throw; the next are sent.")]
    public static partial void SendFaulted(this ILogger logger, string signal, Exception exception);
}
