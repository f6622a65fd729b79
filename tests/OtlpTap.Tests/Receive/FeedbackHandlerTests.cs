using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Buffers;
using OtlpTap.Metrics;
using OtlpTap.Receive;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.Receive;

/// <summary>Bodies of feedback that do not come as they should, and what they are counted as.</summary>
public sealed class FeedbackHandlerTests
{
    private readonly Prometheus.CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FakeTimeProvider _time = new();
    private readonly FeedbackHandler _handler;

    public FeedbackHandlerTests() => _handler = new FeedbackHandler(
        (_, _) => new FeedbackReply(202),
        new HttpReceiveOptions(),
        new FeedbackSender(null),
        new ByteBudget(1 << 20),
        new PayloadPool(),
        new FeedbackMetrics(Prometheus.Metrics.WithCustomRegistry(_registry)),
        _time);

    /// <summary>Kestrel's, of a body that comes by drips: it may be right, and is not counted as wrong.</summary>
    [Theory]
    [InlineData(408, "too_slow")]
    [InlineData(400, "invalid")]
    public async Task What_the_server_gives_up_is_counted_as_what_it_is(int status, string reason)
    {
        var http = Post(new BrokenBody(status));

        await _handler.InvokeAsync(http);

        Assert.Equal(status, http.Response.StatusCode);
        Assert.Equal(1, MetricText.Value(_registry, $"otlptap_feedback_rejected_total{{reason=\"{reason}\"}}"));
    }

    [Fact]
    public async Task What_comes_too_slowly_for_the_tap_is_counted_as_that_and_may_come_again()
    {
        var body = new Pipe();
        await body.Writer.WriteAsync("["u8.ToArray(), TestContext.Current.CancellationToken);
        var http = Post(body.Reader);

        var answered = _handler.InvokeAsync(http);
        await Deadline.UntilAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(1));
                return answered.IsCompleted;
            },
            "it is answered");
        await answered;

        Assert.Equal((503, "1"), (http.Response.StatusCode, http.Response.Headers.RetryAfter.ToString()));
        Assert.Equal(1, MetricText.Value(_registry, "otlptap_feedback_rejected_total{reason=\"too_slow\"}"));
    }

    private static DefaultHttpContext Post(PipeReader body)
    {
        var http = new DefaultHttpContext();
        http.Features.Set<IRequestBodyPipeFeature>(new Body(body));
        http.Request.Method = "POST";
        http.Request.ContentType = "application/json";
        return http;
    }

    private sealed record Body(PipeReader Reader) : IRequestBodyPipeFeature;

    private sealed class BrokenBody(int status) : PipeReader
    {
        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => throw new BadHttpRequestException("no more of it", status);

        public override bool TryRead(out ReadResult result) => throw new BadHttpRequestException("no more of it", status);

        public override void AdvanceTo(SequencePosition consumed) => throw new NotSupportedException();

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => throw new NotSupportedException();

        public override void CancelPendingRead() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null) => throw new NotSupportedException();
    }
}
