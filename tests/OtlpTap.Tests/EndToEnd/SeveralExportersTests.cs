using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Hosting;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

public sealed class SeveralExportersTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("otlptap-several-").FullName;

    [Fact]
    public async Task While_one_destination_stalls_senders_get_the_primarys_answer_and_the_others_get_everything()
    {
        await using var primary = await StubUpstream.StartAsync();
        await using var stalled = await StubUpstream.StartAsync();
        var wake = new TaskCompletionSource();
        stalled.Answer = async (context, _) =>
        {
            await wake.Task;
            await StubUpstream.SucceedAsync(context);
        };
        var file = Path.Combine(_directory, "all.json");
        var options = Configured(primary, new OtlpGrpcExporterOptions("otlp_grpc/stalled", Forward(stalled)), new FileExporterOptions("file") { Path = file });
        await using var tap = TapHost.Create(options, TimeProvider.System, NullLoggerFactory.Instance);
        await tap.StartAsync(Deadline.Token());
        using var client = new ExportClient(tap.GrpcEndpoint.ToString());
        var messages = Enumerable.Range(0, 50).Select(i => new TraceBuilder().Span($"step {i}").ToBytes()).ToList();

        foreach (var message in messages)
        {
            Assert.Empty(await client.Export(Signal.Traces, message, cancellation: TestContext.Current.CancellationToken));
        }

        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri($"http://{tap.AdminEndpoint}/metrics"), TestContext.Current.CancellationToken);
        Assert.Contains("\notlptap_in_flight_bytes 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\notelcol_exporter_sent_spans_total{exporter=\"otlp_grpc/upstream\"} 50\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\notelcol_exporter_queue_size{exporter=\"otlp_grpc/stalled\",data_type=\"traces\"} 50\n", metrics, StringComparison.Ordinal);
        Assert.Contains("\notelcol_exporter_queue_capacity{exporter=\"file\",data_type=\"traces\"} 1000\n", metrics, StringComparison.Ordinal);

        wake.SetResult();
        await tap.StopAsync();
        Assert.Equal(50, primary.Calls.Count);
        Assert.Equal(messages.SelectMany(message => message).Count(), stalled.Calls.Sum(call => call.Message.Length));
        Assert.Equal(50, (await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken)).Length);
    }

    [Fact]
    public async Task A_destination_that_stalls_to_the_end_costs_the_shutdown_its_deadline_and_no_more()
    {
        await using var primary = await StubUpstream.StartAsync();
        await using var stalled = await StubUpstream.StartAsync();
        stalled.Answer = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted);
        var options = Configured(primary, new OtlpGrpcExporterOptions("otlp_grpc/stalled", Forward(stalled)));
        await using var tap = TapHost.Create(options with { Service = options.Service with { ShutdownDeadline = TimeSpan.FromMilliseconds(200) } }, TimeProvider.System, NullLoggerFactory.Instance);
        await tap.StartAsync(Deadline.Token());
        using var client = new ExportClient(tap.GrpcEndpoint.ToString());
        Assert.Empty(await client.Export(Signal.Traces, new TraceBuilder().Span("step").ToBytes(), cancellation: TestContext.Current.CancellationToken));

        await tap.StopAsync().InTime();
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static ForwardOptions Forward(StubUpstream stub) => new() { Endpoint = stub.Endpoint, Insecure = true, TimeoutSeconds = 600 };

    private TapOptions Configured(StubUpstream primary, params ExporterOptions[] others)
    {
        var loaded = new ConfigurationLoader().LoadText([("test.yaml", $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{_directory}}/cases' } } }
            exporters: { otlp_grpc/upstream: { endpoint: "{{primary.Endpoint}}", tls: { insecure: true } } }
            service:
              admin: { endpoint: "127.0.0.1:0" }
              pipelines:
                traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/upstream] }
            """)]);
        Assert.True(loaded.Options is not null, string.Join('\n', loaded.Problems));
        return loaded.Options with
        {
            Exporters = [.. loaded.Options.Exporters, .. others],
            Pipelines = [.. loaded.Options.Pipelines.Select(pipeline => pipeline with { Others = [.. others] })],
        };
    }
}
