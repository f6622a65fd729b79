using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Hosting;

namespace OtlpTap.Tests.Hosting;

public sealed class LogLinesTests
{
    private readonly LogLines _lines = new(new FakeTimeProvider(new DateTimeOffset(2026, 11, 23, 3, 4, 5, TimeSpan.Zero)));

    [Theory]
    [InlineData(LogLevel.Information, "info ")]
    [InlineData(LogLevel.Warning, "warn ")]
    [InlineData(LogLevel.Error, "error")]
    [InlineData(LogLevel.Critical, "error")]
    public void A_line_says_when_how_bad_and_what(LogLevel level, string shown) =>
        Assert.Equal($"2026-11-23 03:04:05Z {shown} the upstream takes data again\n", Written(level, "the upstream takes data again", null));

    [Fact]
    public void What_has_several_lines_is_one_line()
    {
        var written = Written(LogLevel.Error, "first\nsecond", new InvalidOperationException("ours\r\nalone"));

        Assert.StartsWith("2026-11-23 03:04:05Z error first second System.InvalidOperationException: ours alone", written, StringComparison.Ordinal);
        Assert.Equal(written.Length - 1, written.IndexOf('\n', StringComparison.Ordinal));
    }

    /// <summary>Names of agents and tools are the senders', and a terminal does what its control characters say.</summary>
    [Fact]
    public void Control_characters_do_not_reach_the_terminal() =>
        Assert.Equal("2026-11-23 03:04:05Z warn  tool ?[2J?? of shop\n", Written(LogLevel.Warning, "tool \u001b[2J\b\0 of shop", null));

    private string Written(LogLevel level, string message, Exception? exception)
    {
        using var text = new StringWriter();
        _lines.Write(new LogEntry<string>(level, "OtlpTap.Any", 7, message, exception, (state, _) => state), null, text);
        return text.ToString();
    }
}
