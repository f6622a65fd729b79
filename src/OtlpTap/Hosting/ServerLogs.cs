using OtlpTap.Recorder;

namespace OtlpTap.Hosting;

/// <summary>
/// The server's own log lines, so many of each category in a minute. Kestrel writes one for each stream that a client
/// opens beyond what its queues take: 58,000 critical ones in a second, from one client. They are not switched off,
/// because a mistake of ours in a request is told there as well.
/// </summary>
internal sealed class ServerLogs(ILoggerFactory logs, TimeProvider time) : ILoggerFactory
{
    public const int LinesMax = 10;
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    public ILogger CreateLogger(string categoryName) => new Category(logs.CreateLogger(categoryName), time);

    public void AddProvider(ILoggerProvider provider) => logs.AddProvider(provider);

    // The factory behind it belongs to whoever made it.
    public void Dispose()
    {
    }

    private sealed class Category(ILogger log, TimeProvider time) : ILogger
    {
        private readonly Lock _lock = new();
        private readonly LogAllowance _lines = new(LinesMax, Interval, time); // under the lock

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => log.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => log.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!log.IsEnabled(logLevel))
            {
                return;
            }

            bool may;
            int leftOut;
            lock (_lock)
            {
                may = _lines.TryTake(out leftOut);
            }

            if (leftOut > 0)
            {
                log.LinesLeftOut(leftOut);
            }

            if (may)
            {
                log.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
