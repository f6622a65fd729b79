namespace OtlpTap.Forward;

internal static partial class ForwardLog
{
    [LoggerMessage(1, LogLevel.Warning, "Exporter {Exporter}: {Cause}; requests are refused until a connection succeeds.")]
    public static partial void GateClosed(this ILogger logger, string exporter, string cause);

    [LoggerMessage(2, LogLevel.Information, "Exporter {Exporter}: upstream {Endpoint} is reachable again.")]
    public static partial void GateOpened(this ILogger logger, string exporter, UpstreamEndpoint endpoint);

    [LoggerMessage(3, LogLevel.Error, "Exporter {Exporter}: an upstream call ended in an error that the transport does not know; the requests it carried may be sent again.")]
    public static partial void CallFaulted(this ILogger logger, string exporter, Exception exception);

    [LoggerMessage(4, LogLevel.Debug, "Exporter {Exporter}: a call that joined {Requests} requests was refused with {Status}; resending them one by one.")]
    public static partial void Resending(this ILogger logger, string exporter, int requests, Grpc.Core.StatusCode status);

    [LoggerMessage(5, LogLevel.Warning, "Upstream {Endpoint}: the TLS files cannot be read again, what was read before stays in use: {Cause}")]
    public static partial void TlsFilesUnreadable(this ILogger logger, UpstreamEndpoint endpoint, string cause);

    [LoggerMessage(6, LogLevel.Warning, "Authenticator {Authenticator}: no new bearer token: {Cause}")]
    public static partial void TokenUnreadable(this ILogger logger, string authenticator, string cause);

    [LoggerMessage(7, LogLevel.Information, "Upstream {Endpoint}: {Count} addresses behind the name")]
    public static partial void AddressesChanged(this ILogger logger, UpstreamEndpoint endpoint, int count);

    [LoggerMessage(8, LogLevel.Warning, "Upstream {Endpoint}: {Address} takes no calls for now: {Cause}")]
    public static partial void AddressEjected(this ILogger logger, UpstreamEndpoint endpoint, string address, string cause);

    [LoggerMessage(9, LogLevel.Information, "Upstream {Endpoint}: {Address} takes calls")]
    public static partial void AddressReady(this ILogger logger, UpstreamEndpoint endpoint, string address);

    [LoggerMessage(10, LogLevel.Warning, "Upstream {Endpoint}: the name cannot be resolved again, its known addresses stay in use: {Cause}")]
    public static partial void NameUnresolved(this ILogger logger, UpstreamEndpoint endpoint, string cause);

    [LoggerMessage(11, LogLevel.Error, "Upstream {Endpoint}: an unexpected error while its name was resolved; it is tried again")]
    public static partial void ResolvingFaulted(this ILogger logger, UpstreamEndpoint endpoint, Exception exception);

    [LoggerMessage(12, LogLevel.Error, "Exporter {Exporter}: {Requests} requests with {Items} items did not get to their destination, and nobody sends them again; last cause: {Cause}")]
    public static partial void Lost(this ILogger logger, string exporter, long requests, long items, string cause);

    [LoggerMessage(13, LogLevel.Error, "Exporter {Exporter}: sending a queued request ended in an error that no exporter should throw; the queue goes on.")]
    public static partial void SendFaulted(this ILogger logger, string exporter, Exception exception);

    [LoggerMessage(14, LogLevel.Error, "Exporter {Exporter}: cannot write {Path}: {Cause}; requests are refused until it can be written.")]
    public static partial void FileFailed(this ILogger logger, string exporter, string path, string cause);

    [LoggerMessage(15, LogLevel.Information, "Exporter {Exporter}: {Path} is written again.")]
    public static partial void FileRecovered(this ILogger logger, string exporter, string path);

    [LoggerMessage(16, LogLevel.Warning, "Exporter {Exporter}: an old file cannot be deleted: {Cause}")]
    public static partial void BackupNotDeleted(this ILogger logger, string exporter, string cause);

    [LoggerMessage(17, LogLevel.Warning, "Exporter {Exporter}: the end of {Path} was cut off by {Bytes} bytes: it was not written whole.")]
    public static partial void TornTailCut(this ILogger logger, string exporter, string path, long bytes);

    [LoggerMessage(18, LogLevel.Error, "Exporter {Exporter}: showing a request failed; the next ones are shown.")]
    public static partial void ShowFaulted(this ILogger logger, string exporter, Exception exception);

    [LoggerMessage(19, LogLevel.Warning, "Exporter {Exporter}: still busy when it had to end; {Requests} requests are left behind.")]
    public static partial void LeftBehind(this ILogger logger, string exporter, int requests);

    [LoggerMessage(20, LogLevel.Error, "Exporter {Exporter}: writing requests ended in an error that is not the file's; they were refused, the next are written.")]
    public static partial void WriteFaulted(this ILogger logger, string exporter, Exception exception);
}
