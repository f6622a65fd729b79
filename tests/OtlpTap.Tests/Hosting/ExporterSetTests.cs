using System.Text;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Buffers;
using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Forward.Spool;
using OtlpTap.Hosting;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Metrics;

namespace OtlpTap.Tests.Hosting;

public sealed class ExporterSetTests : IAsyncDisposable
{
    private readonly TapMetrics _metrics = new("1.2.3", TimeProvider.System);
    private readonly FakeTimeProvider _time = new();
    private readonly PayloadBooks _books = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("otlptap-set-").FullName;

    [Fact]
    public async Task An_exporter_that_is_one_pipelines_primary_and_stands_beside_anothers_is_there_once()
    {
        await using var a = await StubUpstream.StartAsync();
        await using var b = await StubUpstream.StartAsync();
        var (toA, toB) = (Grpc("otlp_grpc/a", a), Grpc("otlp_grpc/b", b));
        await using var set = Set(Options([toA, toB], Pipeline(Signal.Traces, toA, toB), Pipeline(Signal.Logs, toB, toA)));

        Assert.Same(ExportReply.Accepted, await SendAsync(set.Primary(toA), Signal.Traces, "1"));
        Assert.Same(ExportReply.Accepted, await SendAsync(set.Beside(toB, Signal.Traces), Signal.Traces, "1"));
        Assert.Same(ExportReply.Accepted, await SendAsync(set.Primary(toB), Signal.Logs, "2"));
        await set.DrainAsync(Deadline.Token());

        Assert.Equal(["1"], a.Calls.Select(call => Encoding.UTF8.GetString(call.Message)));
        Assert.Equal(["1", "2"], b.Calls.Select(call => Encoding.UTF8.GetString(call.Message)).Order());
        Assert.Equal(1, b.Connections);
        Assert.Equal([toA.Id, toB.Id], set.Primaries.Select(primary => primary.Id));
        Assert.Same(set.Beside(toB, Signal.Traces), set.Beside(toB, Signal.Traces));
        Assert.NotSame(set.Beside(toB, Signal.Traces), set.Beside(toB, Signal.Metrics));
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task Only_primaries_decide_whether_the_tap_is_ready()
    {
        await using var up = await StubUpstream.StartAsync();
        var (primary, beside) = (Grpc("otlp_grpc/up", up), new OtlpGrpcExporterOptions("otlp_grpc/down", new ForwardOptions { Endpoint = "127.0.0.1:1", Insecure = true }));
        await using var set = Set(Options([primary, beside], Pipeline(Signal.Traces, primary, beside)));

        await set.ProbeAsync(Deadline.Token());

        Assert.True(Assert.Single(set.Primaries).IsReachable);
    }

    [Fact]
    public async Task A_primary_passes_failures_on_and_what_stands_beside_one_sends_again_unless_that_is_switched_off()
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.Unavailable, "not now");
        var (plain, refused) = (Grpc("otlp_grpc/plain", stub), Grpc("otlp_grpc/refused", stub) with { IsRetryRefused = true });
        await using var set = Set(Options([plain, refused], Pipeline(Signal.Traces, plain, refused), Pipeline(Signal.Logs, refused, plain)));

        Assert.Equal(StatusCode.Unavailable, (await SendAsync(set.Primary(plain), Signal.Traces, "1", items: 2)).Status);
        Assert.Equal(2, await ValueAsync("otelcol_exporter_send_failed_spans_total{exporter=\"otlp_grpc/plain\"}"));

        await SendAsync(set.Beside(refused, Signal.Traces), Signal.Traces, "2", items: 3);
        await UntilAsync("otelcol_exporter_send_failed_spans_total{exporter=\"otlp_grpc/refused\"}", 3);

        await SendAsync(set.Beside(plain, Signal.Logs), Signal.Logs, "3", items: 4);
        await Deadline.UntilAsync(() => stub.Calls.Count == 3, "the queued one is tried");
        await UntilAsync("otelcol_exporter_in_flight_requests{exporter=\"otlp_grpc/plain\",data_type=\"logs\"}", 1, set);
        stub.Answer = (context, _) => StubUpstream.SucceedAsync(context);
        await EndWaitAsync(plain, stub, calls: 3);
        await set.DrainAsync(Deadline.Token());

        Assert.Equal(4, await ValueAsync("otelcol_exporter_sent_log_records_total{exporter=\"otlp_grpc/plain\"}"));
        Assert.Equal(0, await ValueAsync("otelcol_exporter_send_failed_log_records_total{exporter=\"otlp_grpc/plain\"}"));
        await UntilAsync("otelcol_exporter_in_flight_requests{exporter=\"otlp_grpc/plain\",data_type=\"logs\"}", 0, set);
    }

    [Fact]
    public async Task A_primary_with_retries_written_sends_again_and_lets_its_senders_go_when_the_tap_stops()
    {
        await using var stub = await StubUpstream.StartAsync();
        stub.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.Unavailable, "not now");
        var exporter = Grpc("otlp_grpc", stub) with { Retry = new RetryOptions() };
        await using var set = Set(Options([exporter], Pipeline(Signal.Traces, exporter)));

        var sent = SendAsync(set.Primary(exporter), Signal.Traces, "1", items: 5);
        await Deadline.UntilAsync(() => stub.Calls.Count == 1, "the first attempt is made");
        await UntilAsync("otelcol_exporter_in_flight_requests{exporter=\"otlp_grpc\",data_type=\"traces\"}", 1, set);
        await EndWaitAsync(exporter, stub, calls: 1);
        set.EndWaits();

        Assert.Equal((StatusCode.Unavailable, "not now"), ((await sent).Status, (await sent).Message));
        Assert.Equal(5, await ValueAsync("otelcol_exporter_send_failed_spans_total{exporter=\"otlp_grpc\"}"));
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task A_reload_keeps_what_is_equal_makes_what_is_new_and_names_what_is_to_end()
    {
        await using var stub = await StubUpstream.StartAsync();
        var (kept, changed, gone) = (Grpc("otlp_grpc/kept", stub), Grpc("otlp_grpc/changed", stub), Grpc("otlp_grpc/gone", stub));
        var first = Set(Options([kept, changed, gone], Pipeline(Signal.Traces, kept, changed, gone)));
        await SendAsync(first.Primary(kept), Signal.Traces, "1");

        var (keptAgain, changedTo, added) = (Grpc("otlp_grpc/kept", stub), changed with { Queue = new QueueOptions { Size = 7 } }, Grpc("otlp_grpc/added", stub));
        await using var next = first.Next(Options([keptAgain, changedTo, added], Pipeline(Signal.Traces, keptAgain, changedTo, added)), out var retired);

        Assert.Same(first.Primary(kept), next.Primary(keptAgain));
        Assert.NotSame(first.Primary(changed), next.Primary(changedTo));
        Assert.Equal(["otlp_grpc/changed", "otlp_grpc/gone"], retired.Select(exporter => exporter.Options.Id).Order(StringComparer.Ordinal));
        foreach (var exporter in retired)
        {
            await exporter.DrainAsync(Deadline.Token());
            await exporter.DisposeAsync();
        }

        Assert.Same(ExportReply.Accepted, await SendAsync(next.Primary(keptAgain), Signal.Traces, "2"));
        Assert.Equal(1, stub.Connections);
        await _books.AllCameBackAsync();
    }

    [Fact]
    public async Task A_file_whose_options_change_is_gone_on_with_once_the_former_has_ended()
    {
        var path = Path.Combine(_directory, "traces.json");
        var file = new FileExporterOptions("file") { Path = path };
        var first = Set(Options([file], Pipeline(Signal.Traces, file)));
        var message = new TraceBuilder().Span("a").ToBytes();
        await SendAsync(first.Primary(file), Signal.Traces, message);

        var changed = file with { CreateDirectory = true };
        await using var next = first.Next(Options([changed], Pipeline(Signal.Traces, changed)), out var retired);
        var waiting = SendAsync(next.Primary(changed), Signal.Traces, message);
        await SendAsync(first.Primary(file), Signal.Traces, message);
        await Assert.Single(retired).DisposeAsync();

        Assert.Same(ExportReply.Accepted, await waiting);
        await next.DisposeAsync();
        Assert.Equal(3, (await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken)).Length);
    }

    [Fact]
    public async Task A_spool_that_cannot_be_opened_refuses_the_change_and_those_made_before_it_let_go_of_theirs()
    {
        await using var stub = await StubUpstream.StartAsync();
        var taken = Path.Combine(_directory, "file");
        await File.WriteAllTextAsync(taken, "", TestContext.Current.CancellationToken);
        var a = Grpc("otlp_grpc/a", stub) with { Spool = new SpoolOptions { Directory = Path.Combine(_directory, "a") } };
        var b = Grpc("otlp_grpc/b", stub) with { Spool = new SpoolOptions { Directory = Path.Combine(taken, "b") } };
        var first = Set(Options([]));

        var problem = Assert.Throws<SpoolException>(() => first.Next(Options([a, b], Pipeline(Signal.Traces, a, b)), out _));

        Assert.Contains(taken, problem.Message, StringComparison.Ordinal);
        var elsewhere = b with { Spool = new SpoolOptions { Directory = Path.Combine(_directory, "b") } };
        await using var next = first.Next(Options([a, elsewhere], Pipeline(Signal.Traces, a, elsewhere)), out var retired);
        Assert.Empty(retired);
        await UntilAsync("otlptap_spool_open{exporter=\"otlp_grpc/a\"}", 1, next);
        Assert.Equal(1, await ValueAsync("otlptap_spool_open{exporter=\"otlp_grpc/b\"}"));
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static OtlpGrpcExporterOptions Grpc(string id, StubUpstream stub) => new(id, new ForwardOptions { Endpoint = stub.Endpoint, Insecure = true, TimeoutSeconds = 600 });

    private static PipelineOptions Pipeline(Signal signal, ExporterOptions primary, params ExporterOptions[] others) =>
        new(signal.ToString(), signal, ["otlp"], IsTapped: false, primary, [.. others]);

    private static TapOptions Options(ExporterOptions[] exporters, params PipelineOptions[] pipelines) => new()
    {
        Receivers = [],
        Processor = new TapProcessorOptions(),
        Exporters = [.. exporters],
        Pipelines = [.. pipelines],
        Service = new ServiceOptions(),
    };

    private ExporterSet Set(TapOptions options) => ExporterSet.Create(options, _metrics, new PayloadPool(), new ByteBudget(64 << 20), _time, NullLoggerFactory.Instance);

    private Task<ExportReply> SendAsync(IExporter exporter, Signal signal, string message, int items = 1) =>
        SendAsync(exporter, signal, Encoding.UTF8.GetBytes(message), items);

    private Task<ExportReply> SendAsync(IExporter exporter, Signal signal, byte[] message, int items = 1) =>
        exporter.ExportAsync(signal, _books.Lend(message, items), RequestMetadata.Empty, CancellationToken.None).InTime();

    private async Task<double> ValueAsync(string series) => (await Scrape.OfAsync(_metrics))[series];

    private Task UntilAsync(string series, double value, ExporterSet? sampled = null) => Deadline.UntilAsync(
        async () =>
        {
            sampled?.PublishMetrics();
            return await ValueAsync(series) == value;
        },
        $"{series} is {value}");

    /// <summary>
    /// Moves the clock while no call is under way, until the next one is made. Whether the wait has begun, a moment after the
    /// answer came, only the waiting itself knows: one that begins later than the clock moved is met by the next move.
    /// </summary>
    private Task EndWaitAsync(ExporterOptions exporter, StubUpstream stub, int calls) => Deadline.UntilAsync(
        async () =>
        {
            if (stub.Calls.Count == calls && await ValueAsync($"otlptap_upstream_calls_in_flight{{exporter=\"{exporter.Id}\"}}") == 0)
            {
                _time.Advance(TimeSpan.FromSeconds(7.5));
            }

            return stub.Calls.Count == calls + 1;
        },
        "the next attempt is made");
}
