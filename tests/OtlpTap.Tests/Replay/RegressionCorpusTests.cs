using OtlpTap.Testing;

namespace OtlpTap.Tests.Replay;

public sealed class RegressionCorpusTests : IDisposable
{
    private readonly HttpClient _http = new();

    [Theory, RegressionCorpus("Replay/cases")]
    public async Task A_case_passes_with_an_agent_whose_tool_works(RegressionCase regression)
    {
        var run = await regression.ReplayAsync((context, cancellation) => SendAsync(context, hasFailed: false, cancellation), cancellation: TestContext.Current.CancellationToken);

        Assert.Equal("refund 12,50 of order 1042", regression.Input);
        Assert.Equal(["execute_tool refund"], run.MustPass().MustNotHave("tool_error").MustCall("refund").SpanNames);
    }

    [Theory, RegressionCorpus("Replay/cases", Status = "open")]
    public async Task A_case_fails_with_its_failure_and_the_trace_in_the_message(RegressionCase regression)
    {
        var run = await regression.ReplayAsync((context, cancellation) => SendAsync(context, hasFailed: true, cancellation), cancellation: TestContext.Current.CancellationToken);

        Assert.False(run.HasPassed);
        var thrown = Assert.Throws<RegressionException>(run.MustPass);
        Assert.Contains("tool_error on execute_tool refund", thrown.Message, StringComparison.Ordinal);
        Assert.Contains(run.TraceId, thrown.Message, StringComparison.Ordinal);
        Assert.Throws<RegressionException>(() => run.MustNotHave("tool_error"));
        Assert.Throws<RegressionException>(() => run.MustCall("other"));
    }

    [Theory, RegressionCorpus("Replay/cases")]
    public async Task Without_spans_nothing_passes(RegressionCase regression)
    {
        var settings = new RegressionSettings { SpansWithin = TimeSpan.FromMilliseconds(100) };
        var run = await regression.ReplayAsync((_, _) => Task.CompletedTask, settings, TestContext.Current.CancellationToken);

        Assert.False(run.HasPassed);
        Assert.StartsWith("no span of the run came", run.Why, StringComparison.Ordinal);
    }

    public void Dispose() => _http.Dispose();

    private async Task SendAsync(RegressionContext context, bool hasFailed, CancellationToken cancellation)
    {
        using var body = SampleCase.Span(context.TraceParent, hasFailed);
        using var answer = await _http.PostAsync(new Uri(context.OtlpEndpoint, "/v1/traces"), body, cancellation);
        answer.EnsureSuccessStatusCode();
    }
}
