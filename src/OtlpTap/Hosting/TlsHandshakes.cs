using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace OtlpTap.Hosting;

/// <summary>
/// Finds out which handshakes fail and why. Kestrel ends such a connection by itself and tells nobody but its log, at a level that is
/// not written, without the peer: so the server's log is this one, which hands the reason to the connection it was written for.
/// </summary>
/// <param name="logs">Gets all else.</param>
internal sealed class TlsHandshakes(ILoggerFactory logs) : ILoggerFactory
{
    private const string Category = "Microsoft.AspNetCore.Server.Kestrel.Https.Internal.HttpsConnectionMiddleware";

    private readonly AsyncLocal<Handshake?> _current = new();

    /// <summary>TLS on this port.</summary>
    /// <param name="failed">Told of each handshake that fails, and why.</param>
    public void Use(ListenOptions listen, TlsHandshakeCallbackOptions options, Action<ConnectionContext, string> failed)
    {
        listen.Use(next => async connection =>
        {
            var handshake = new Handshake();
            _current.Value = handshake;
            await next(connection);
            if (handshake.Failure is { } reason)
            {
                failed(connection, reason);
            }
        });
        listen.UseHttps(options);
    }

    public ILogger CreateLogger(string categoryName)
    {
        var log = logs.CreateLogger(categoryName);
        return categoryName == Category ? new HandshakeLog(log, _current) : log;
    }

    public void AddProvider(ILoggerProvider provider) => logs.AddProvider(provider);

    // The factory behind it belongs to whoever made it.
    public void Dispose()
    {
    }

    private sealed class Handshake
    {
        public string? Failure { get; set; }
    }

    private sealed class HandshakeLog(ILogger log, AsyncLocal<Handshake?> current) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => log.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (current.Value is { } handshake && eventId.Name is "AuthenticationFailed" or "AuthenticationTimedOut")
            {
                handshake.Failure = HandshakeFailure.Describe(exception);
            }
            else
            {
                log.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
