namespace OtlpTap.Hosting;

internal static partial class HostLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "requests were still in flight when the shutdown deadline of {Deadline} ended; their senders were told to come again")]
    public static partial void NotDrained(this ILogger logger, TimeSpan deadline);

    [LoggerMessage(Level = LogLevel.Information, Message = "configuration read again: it is in force")]
    public static partial void Reloaded(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "configuration read again: {Note}")]
    public static partial void ReloadNote(this ILogger logger, string note);

    [LoggerMessage(Level = LogLevel.Error, Message = "configuration read again: {Problem}")]
    public static partial void ReloadProblem(this ILogger logger, string problem);

    [LoggerMessage(Level = LogLevel.Error, Message = "configuration read again: refused; the one from before goes on")]
    public static partial void NotReloaded(this ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} further lines like these were left out")]
    public static partial void LinesLeftOut(this ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Listener}: the certificates in use stay: {Problem}")]
    public static partial void TlsNotReloaded(this ILogger logger, ListenerName listener, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Listener}: the tokens or passwords in use stay: {Problem}")]
    public static partial void CredentialsNotReloaded(this ILogger logger, ListenerName listener, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "service.admin listens on {Endpoint} and lets in everyone who reaches it: {Open}; give it {Remedy}an auth.authenticator, or an address of this machine alone")]
    public static partial void AdminIsOpen(this ILogger logger, Configuration.ListenAddress endpoint, string open, string remedy);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Listener}: {Remote} sends HTTP/1.1, and this port takes gRPC alone: {Place}")]
    public static partial void HttpAtGrpcPort(this ILogger logger, ListenerName listener, System.Net.EndPoint? remote, string place);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Listener}: {Remote} speaks TLS, and this port takes none: {Remedy}")]
    public static partial void TlsAtClearPort(this ILogger logger, ListenerName listener, System.Net.EndPoint? remote, string remedy);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Listener}: {Remote} speaks {Protocol} in the clear, and this port takes TLS alone: let it use https://, and no insecure: true")]
    public static partial void ClearAtTlsPort(this ILogger logger, ListenerName listener, System.Net.EndPoint? remote, string protocol);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Listener}: no TLS with {Remote}: {Reason}")]
    public static partial void HandshakeFailed(this ILogger logger, ListenerName listener, System.Net.EndPoint? remote, string reason);

    [LoggerMessage(Message = "the condition of rule {Rule} came to an error on {Count} spans or log records, which it does not match then")]
    public static partial void RuleErrors(this ILogger logger, LogLevel level, string rule, long count);
}
