using System.Net;
using Grpc.Core;
using OtlpTap.Otlp;

namespace OtlpTap.Tests.Receive;

/// <summary>Items over HTTP, under the Collector's names.</summary>
public sealed class HttpReceiverCountsTests
{
    private static readonly byte[] TwoSpans = new TraceBuilder().Span("a").Span("b").ToBytes();

    [Fact]
    public async Task Items_are_accepted_or_refused_by_the_answer()
    {
        await using var edge = await HttpEdge.StartAsync();
        using var accepted = await edge.PostAsync(TwoSpans);
        edge.AnswerWith(new ExportReply(StatusCode.PermissionDenied, "no", default, []));
        using var refused = await edge.PostAsync(TwoSpans);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Forbidden), (accepted.StatusCode, refused.StatusCode));
        Assert.Equal(2, edge.Metric("otelcol_receiver_accepted_spans_total{receiver=\"otlp\",transport=\"http\"}"));
        Assert.Equal(2, edge.Metric("otelcol_receiver_refused_spans_total{receiver=\"otlp\",transport=\"http\"}"));
        Assert.Equal(0, edge.Metric("otelcol_receiver_failed_spans_total{receiver=\"otlp\",transport=\"http\"}"));
    }
}
