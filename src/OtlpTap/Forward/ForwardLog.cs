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
}
