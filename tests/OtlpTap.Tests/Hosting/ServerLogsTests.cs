using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Hosting;

namespace OtlpTap.Tests.Hosting;

public sealed class ServerLogsTests
{
    private readonly ListLogger<ServerLogsTests> _lines = new();
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_client_that_makes_the_server_complain_without_end_does_not_fill_the_log()
    {
        using var logs = new ServerLogs(new OneLogger(_lines), _time);
        var kestrel = logs.CreateLogger("Kestrel");
        Complain(kestrel, 1000);
        Assert.Equal(ServerLogs.LinesMax, _lines.Messages.Count);

        _time.Advance(ServerLogs.Interval);
        Complain(kestrel, 1);
        Assert.Equal(["Warning: 990 further lines like these were left out", "Critical: queue full"], _lines.Messages.Skip(ServerLogs.LinesMax));
    }

    [Fact]
    public void One_category_takes_no_lines_from_another()
    {
        using var logs = new ServerLogs(new OneLogger(_lines), _time);
        Complain(logs.CreateLogger("Kestrel.Http2"), 1000);
        Complain(logs.CreateLogger("Kestrel"), 1);

        Assert.Equal(ServerLogs.LinesMax + 1, _lines.Messages.Count);
    }

    private static void Complain(ILogger log, int times)
    {
        for (var i = 0; i < times; i++)
        {
            log.Log(LogLevel.Critical, default, "queue full", null, static (text, _) => text);
        }
    }

    private sealed class OneLogger(ILogger logger) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
