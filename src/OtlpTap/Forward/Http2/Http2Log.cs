namespace OtlpTap.Forward.Http2;

internal static partial class Http2Log
{
    [LoggerMessage(1, LogLevel.Information, "Connected to {Endpoint} (connection {Count})")]
    public static partial void Connected(this ILogger logger, UpstreamEndpoint endpoint, int count);

    [LoggerMessage(EventId = 2, Message = "Cannot connect to {Endpoint}: {Cause}")]
    public static partial void ConnectFailed(this ILogger logger, LogLevel level, UpstreamEndpoint endpoint, string cause);

    [LoggerMessage(EventId = 3, Message = "Connection to {Endpoint} ended with {CallsLost} calls unanswered: {Cause}")]
    public static partial void ConnectionEnded(this ILogger logger, LogLevel level, UpstreamEndpoint endpoint, string cause, int callsLost);

    [LoggerMessage(4, LogLevel.Information, "{Endpoint} sends GOAWAY ({Code}): running calls end there, new ones take another connection")]
    public static partial void GoAwayReceived(this ILogger logger, UpstreamEndpoint endpoint, Http2ErrorCode code);

    [LoggerMessage(5, LogLevel.Error, "Unexpected error on the way to {Endpoint}; the connection is given up")]
    public static partial void Unexpected(this ILogger logger, UpstreamEndpoint endpoint, Exception exception);

    [LoggerMessage(6, LogLevel.Information, "{Endpoint} gets too many pings: the next connection waits {Delay} in silence before it asks")]
    public static partial void PingsTooMany(this ILogger logger, UpstreamEndpoint endpoint, TimeSpan delay);
}
