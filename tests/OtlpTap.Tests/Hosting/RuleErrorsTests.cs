using Microsoft.Extensions.Time.Testing;
using OtlpTap.Hosting;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Scan;

namespace OtlpTap.Tests.Hosting;

public sealed class RuleErrorsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ListLogger<RuleErrorsTests> _log = new();
    private readonly CompiledRules _rules = CompiledRules.Compile([new Rule("prefix", "x", RuleContext.Span, "HasPrefix(span.attributes[\"a\"], \"b\")")], [])!;

    [Theory]
    [InlineData("Ignore", "Warning")]
    [InlineData("Propagate", "Error")]
    public void Errors_are_told_once_a_minute_with_how_many_there_were(string mode, string level)
    {
        var errors = new RuleErrors(_rules, Enum.Parse<ErrorMode>(mode), _time, _log);
        ScanSpans(3);
        errors.Tell();
        ScanSpans(2);
        errors.Tell();
        _time.Advance(TimeSpan.FromSeconds(59));
        errors.Tell();

        Assert.Equal([$"{level}: the condition of rule prefix came to an error on 3 spans or log records, which it does not match then"], _log.Messages);

        _time.Advance(TimeSpan.FromSeconds(1));
        errors.Tell();

        Assert.Contains("error on 2 spans", _log.Messages[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Without_errors_nothing_is_told()
    {
        new RuleErrors(_rules, ErrorMode.Ignore, _time, _log).Tell();

        Assert.Empty(_log.Messages);
    }

    [Fact]
    public void Silent_tells_nothing()
    {
        ScanSpans(1);
        new RuleErrors(_rules, ErrorMode.Silent, _time, _log).Tell();

        Assert.Empty(_log.Messages);
    }

    private void ScanSpans(int count)
    {
        var request = new TraceBuilder();
        for (var i = 0; i < count; i++)
        {
            request.Span("a");
        }

        Assert.True(new RequestScanner(_rules).TryScan(Signal.Traces, request.ToBytes(), new ScanResult(), out _));
    }
}
