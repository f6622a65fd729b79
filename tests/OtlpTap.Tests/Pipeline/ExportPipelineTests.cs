using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Causes;
using OtlpTap.Forward;
using OtlpTap.Forward.Queueing;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Pipeline;
using OtlpTap.Rules;
using OtlpTap.Scan;
using OtlpTap.Tests.Forward;
using Prometheus;

namespace OtlpTap.Tests.Pipeline;

public sealed class ExportPipelineTests : IAsyncDisposable
{
    private static readonly Rule ToolFailed = new("tool_failed", "tool_error", RuleContext.Span, "span.status.code == 2");

    private readonly FakeTimeProvider _time = new();
    private readonly PayloadBooks _books = new();
    private readonly ScriptedExporter _primary = new();
    private readonly ScriptedExporter _second = new();
    private readonly ScriptedExporter _third = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    [Fact]
    public async Task The_answer_is_the_primarys_and_the_others_get_the_same_bytes_and_headers()
    {
        await using var second = Queue(_second);
        await using var third = Queue(_third);
        var pipeline = Pipeline(second, third);
        var metadata = new RequestMetadata([("x-scope-orgid", "a")]);
        var message = new TraceBuilder().Span("step").ToBytes();

        var sent = pipeline.ExportAsync(_books.Lend(message), metadata, 0, CancellationToken.None);
        (await _second.TakeAsync()).Fail(Grpc.Core.StatusCode.InvalidArgument);
        var third1 = await _third.TakeAsync();
        Assert.False(sent.IsCompleted);
        Assert.Equal(message, third1.Message);
        Assert.Same(metadata, third1.Metadata);
        (await _primary.TakeAsync()).Succeed();

        Assert.Same(ExportReply.Accepted, await sent.InTime());
        third1.Succeed();
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task Exporters_beside_the_primary_that_stall_hold_neither_it_nor_its_credit_nor_each_other()
    {
        await using var stalled = Queue(_second, new QueueOptions { Size = 10, Consumers = 2 });
        await using var lively = Queue(_third);
        var pipeline = Pipeline(stalled, lively);
        _primary.Always = _ => Task.FromResult(ExportReply.Accepted);
        _third.Always = _ => Task.FromResult(ExportReply.Accepted);
        var message = new TraceBuilder().Span("step").Span("step").ToBytes();

        for (var i = 0; i < 100; i++)
        {
            Assert.Same(ExportReply.Accepted, await pipeline.ExportAsync(_books.Lend(message, items: 0), RequestMetadata.Empty, 0, CancellationToken.None).InTime());
        }

        await lively.DrainAsync(Deadline.Token());
        Assert.Equal(0, _books.CreditOut);
        Assert.Equal(180, MetricText.Value(_registry, "otelcol_exporter_enqueue_failed_spans_total{exporter=\"scripted\"}"));
        var stuck = new[] { await _second.TakeAsync(), await _second.TakeAsync() };
        Assert.False(_second.HasUntaken);
        await stalled.DisposeAsync();
        Assert.All(stuck, export => export.Succeed());
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task A_tag_is_made_once_and_reaches_all_of_them()
    {
        await using var second = Queue(_second);
        var pipeline = Pipeline(second);
        var sent = pipeline.ExportAsync(_books.Lend(new TraceBuilder().Span("pay").Failed().ToBytes()), RequestMetadata.Empty, 0, CancellationToken.None);

        var (toPrimary, toSecond) = (await _primary.TakeAsync(), await _second.TakeAsync());

        Assert.True(toPrimary.Message.AsSpan().IndexOf("otlptap.failure"u8) > 0);
        Assert.Equal(toPrimary.Message, toSecond.Message);
        toPrimary.Succeed();
        toSecond.Succeed();
        await sent.InTime();

        // The tagged copy is the pipeline's own: what the books lent is back all the same.
        await Deadline.UntilAsync(() => _books.CreditOut == 0, "the credit is back");
    }

    [Fact]
    public async Task A_span_that_only_repeats_a_failure_is_counted_apart()
    {
        var request = new TraceBuilder().Span("pay").Failed("backend timed out").Span("step").Failed("backend timed out");
        var spans = request.Request.ResourceSpans[0].ScopeSpans[0].Spans;
        spans[0].ParentSpanId = spans[1].SpanId;
        var sent = Pipeline().ExportAsync(_books.Lend(request.ToBytes(), items: 2), RequestMetadata.Empty, 0, CancellationToken.None);

        var export = await _primary.TakeAsync();
        export.Succeed();
        await sent.InTime();

        Assert.Equal(1, MetricText.Value(_registry, "otlptap_propagated_spans_total"));
        Assert.Equal(1, MetricText.Value(_registry, $"otlptap_failing_spans_total{{failure=\"{ToolFailed.Failure}\",rule=\"{ToolFailed.Name}\",service=\"agent\"}}"));
        Assert.True(export.Message.AsSpan().IndexOf("otlptap.failure.origin"u8) > 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _primary.DisposeAsync();
        await _second.DisposeAsync();
        await _third.DisposeAsync();
    }

    private ExportPipeline Pipeline(params IExporter[] others)
    {
        var factory = Prometheus.Metrics.WithCustomRegistry(_registry);
        var problems = new List<RuleProblem>();
        var rules = CompiledRules.Compile([ToolFailed], problems) ?? throw new InvalidOperationException(string.Join('\n', problems));
        return new ExportPipeline(
            Signal.Traces,
            new RequestScanner(rules),
            new ScanResultPool(),
            _books.Pool,
            tee: null,
            _primary,
            others,
            new ReceiveMetrics(factory),
            new FailureMetrics(factory, [new RuleLabels(ToolFailed.Name, ToolFailed.Failure)]),
            causes: new CauseMarker(new CauseLedger()));
    }

    private QueuedExporter Queue(ScriptedExporter destination, QueueOptions? options = null) => new(
        Signal.Traces, destination, options ?? new QueueOptions(), new ExporterMetrics(Prometheus.Metrics.WithCustomRegistry(_registry), "scripted"), _time, NullLogger<QueuedExporter>.Instance);
}
