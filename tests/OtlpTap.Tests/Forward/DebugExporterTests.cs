using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Forward;
using OtlpTap.Forward.Printing;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using Prometheus;

namespace OtlpTap.Tests.Forward;

public sealed class DebugExporterTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly PayloadBooks _books = new();
    private readonly StringWriter _console = new();
    private readonly ListLogger<DebugExporter> _log = new();
    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    [Theory]
    [InlineData(1, "debug: traces: 1 resource, 1 span\n")]
    [InlineData(12, "debug: traces: 1 resource, 12 spans\n")]
    public async Task Basic_says_how_many(int items, string line)
    {
        await ShowAsync(DebugVerbosity.Basic, new TraceBuilder().Span("a").ToBytes(), items);

        Assert.Equal(line, _console.ToString());
        Assert.Equal(items, MetricText.Value(_registry, "otelcol_exporter_sent_spans_total{exporter=\"debug\"}"));
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task Normal_has_a_line_for_each_item_and_a_value_cannot_begin_one()
    {
        await ShowAsync(DebugVerbosity.Normal, new TraceBuilder().Resource("shop").Scope("lib").Span("pay", ("amount", 3), ("list", new[] { "a", "b" })).Span("refund", ("text", "one\ntwo \u001b[31m")).Failed().ToBytes(), 2);

        Assert.Equal(
            """
            debug: traces: 1 resource, 2 spans
              resource service.name=shop
                scope lib
                  span pay 00000000000000000000000000000001 0000000000000001 amount=3 list=[a, b]
                  span refund 00000000000000000000000000000001 0000000000000002 ERROR text=one\u000atwo \u001b[31m

            """,
            _console.ToString());
    }

    [Fact]
    public async Task Detailed_has_everything()
    {
        await ShowAsync(DebugVerbosity.Detailed, new TraceBuilder().Span("pay").Event("exception", ("exception.message", "declined")).ToBytes());

        Assert.Contains("\"stringValue\": \"declined\"", _console.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 10)]
    [InlineData(4, 4)]
    public async Task Of_each_second_the_first_are_shown_and_then_one_in_so_many(int thereafter, int shown)
    {
        await using (var exporter = Exporter(new DebugExporterOptions("debug") { SamplingThereafter = thereafter }))
        {
            for (var i = 0; i < 10; i++)
            {
                await SendAsync(exporter, new TraceBuilder().Span("a").ToBytes());
            }

            _time.Advance(TimeSpan.FromSeconds(1));
            await SendAsync(exporter, new TraceBuilder().Span("a").ToBytes());
        }

        Assert.Equal(shown + 1, _console.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(11, MetricText.Value(_registry, "otelcol_exporter_sent_spans_total{exporter=\"debug\"}"));
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task A_console_that_blocks_holds_no_sender_no_credit_and_no_end()
    {
        using var blocked = new BlockedWriter();
        var exporter = new DebugExporter(new DebugExporterOptions("debug"), blocked, Metrics(), TimeProvider.System, _log);
        var message = new byte[1 << 20];
        for (var i = 0; i < 100; i++)
        {
            Assert.Same(ExportReply.Accepted, await SendAsync(exporter, message));
        }

        Assert.Equal(0, _books.CreditOut);
        Assert.InRange(MetricText.Value(_registry, "otelcol_exporter_enqueue_failed_spans_total{exporter=\"debug\"}"), 80, 99);
        await exporter.DrainAsync(Deadline.Token()).InTime();
        await exporter.DisposeAsync().AsTask().InTime();
        Assert.Single(_log.Messages);
        blocked.Go();
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task What_cannot_be_shown_is_told_once_and_the_next_is_shown()
    {
        var exporter = Exporter(new DebugExporterOptions("debug"));
        await SendAsync(exporter, new TraceBuilder().Span("a").ToBytes());
        _console.Dispose();
        await SendAsync(exporter, new TraceBuilder().Span("a").ToBytes());
        await SendAsync(exporter, new TraceBuilder().Span("a").ToBytes());
        await exporter.DisposeAsync();

        Assert.InRange(_log.Messages.Count, 1, 1);
        await _books.AllCameBackAsync();
    }

    public void Dispose() => _console.Dispose();

    private async Task ShowAsync(DebugVerbosity verbosity, byte[] message, int items = 1)
    {
        await using var exporter = Exporter(new DebugExporterOptions("debug") { Verbosity = verbosity });
        await SendAsync(exporter, message, items);
    }

    private DebugExporter Exporter(DebugExporterOptions options) => new(options, _console, Metrics(), _time, _log);

    private ExporterMetrics Metrics() => new(Prometheus.Metrics.WithCustomRegistry(_registry), "debug");

    private Task<ExportReply> SendAsync(DebugExporter exporter, byte[] message, int items = 1) =>
        exporter.ExportAsync(Signal.Traces, _books.Lend(message, items), RequestMetadata.Empty, CancellationToken.None).InTime();

    private sealed class BlockedWriter : StringWriter
    {
        private readonly ManualResetEventSlim _gate = new();

        public void Go() => _gate.Set();

        public override void Write(string? value) => _gate.Wait(Deadline.Token());
    }
}
