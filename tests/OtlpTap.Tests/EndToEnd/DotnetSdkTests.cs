using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Metrics.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Trace;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using StatusCode = Grpc.Core.StatusCode;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>The exporters of the OpenTelemetry .NET SDK, as agents use them, and what they make of the tap's answers.</summary>
public sealed class DotnetSdkTests
{
    [Theory]
    [InlineData(OtlpExportProtocol.Grpc, OtlpExportCompression.None)]
    [InlineData(OtlpExportProtocol.Grpc, OtlpExportCompression.GZip)]
    [InlineData(OtlpExportProtocol.HttpProtobuf, OtlpExportCompression.None)]
    [InlineData(OtlpExportProtocol.HttpProtobuf, OtlpExportCompression.GZip)]
    public async Task Spans_arrive_whole_and_the_failing_one_is_tagged(OtlpExportProtocol protocol, OtlpExportCompression compression)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        Assert.True(ExportSpans(tap, protocol, ["chat", "execute_tool search"], compression));

        var spans = SpansOf(upstream);
        Assert.Equal(["chat", "execute_tool search"], spans.Select(span => span.Name).Order());
        var failing = Assert.Single(spans, span => span.Attributes.Any(attribute => attribute.Key == "otlptap.failure"));
        Assert.Equal("execute_tool search", failing.Name);
        Assert.All(spans, span => Assert.Equal("žluťoučký 🐎", span.Attributes.Single(attribute => attribute.Key == "text").Value.StringValue));
    }

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc, "otlp grpc")]
    [InlineData(OtlpExportProtocol.HttpProtobuf, "otlp http")]
    public async Task TLS_of_an_exporter_at_a_clear_port_is_counted(OtlpExportProtocol protocol, string listener)
    {
        await using var tap = await RunningTap.StartAsync();
        using var source = new ActivitySource("OtlpTap.Tests.Agent." + Guid.NewGuid());
        using var provider = Sdk.CreateTracerProviderBuilder().AddSource(source.Name).AddOtlpExporter(otlp =>
        {
            Configure(otlp, tap, protocol, Signal.Traces);
            otlp.Endpoint = new UriBuilder(otlp.Endpoint) { Scheme = "https" }.Uri;
        }).Build();
        source.StartActivity("chat")!.Dispose();

        provider.ForceFlush((int)Deadline.Span.TotalMilliseconds);

        await Deadline.UntilAsync(async () => await tap.MetricAsync($"otlptap_wrong_protocol_connections_total{{listener=\"{listener}\"}}") > 0, "it is counted");
    }

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task Log_records_arrive(OtlpExportProtocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using (var logs = LoggerFactory.Create(builder => builder.AddOpenTelemetry(options =>
        {
            options.IncludeFormattedMessage = true;
            options.AddOtlpExporter(otlp => Configure(otlp, tap, protocol, Signal.Logs));
        })))
        {
            var logger = logs.CreateLogger("agent");
            for (var number = 0; number < 20; number++)
            {
                Line(logger, number, null);
            }
        }

        var records = upstream.Calls.SelectMany(call => ExportLogsServiceRequest.Parser.ParseFrom(call.Message).ResourceLogs)
            .SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords);
        Assert.Equal(Enumerable.Range(0, 20).Select(number => $"line {number}"), records.Select(record => record.Body.StringValue));
        Assert.All(upstream.Calls, call => Assert.Equal(ExportServiceNames.PathOf(Signal.Logs), call.Path));
    }

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task Metrics_arrive(OtlpExportProtocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        using var meter = new Meter("OtlpTap.Tests.Agent." + Guid.NewGuid());
        using (Sdk.CreateMeterProviderBuilder().AddMeter(meter.Name).AddOtlpExporter((otlp, _) => Configure(otlp, tap, protocol, Signal.Metrics)).Build())
        {
            meter.CreateCounter<long>("agent.tokens").Add(42, new KeyValuePair<string, object?>("model", "sample"));
            meter.CreateHistogram<double>("agent.latency").Record(1.5);
        }

        var metrics = upstream.Calls.SelectMany(call => ExportMetricsServiceRequest.Parser.ParseFrom(call.Message).ResourceMetrics)
            .SelectMany(resource => resource.ScopeMetrics).SelectMany(scope => scope.Metrics).ToDictionary(metric => metric.Name);
        Assert.Equal(42, Assert.Single(metrics["agent.tokens"].Sum.DataPoints).AsInt);
        Assert.Equal(1.5, Assert.Single(metrics["agent.latency"].Histogram.DataPoints).Sum);
    }

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task Partial_success_is_a_success_to_the_SDK_which_sends_nothing_again(OtlpExportProtocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.OK, body: new PartialSuccess(1, "too old").ToResponse());
        await using var tap = await RunningTap.StartAsync(upstream);
        using var events = new ExporterEvents();

        Assert.True(ExportSpans(tap, protocol, ["chat"]));

        Assert.Single(upstream.Calls);
        Assert.Empty(events.Failures);
    }

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task A_permanent_refusal_reaches_the_SDK_which_does_not_send_again(OtlpExportProtocol protocol)
    {
        await using var upstream = await StubUpstream.StartAsync();
        upstream.Answer = (context, _) => StubUpstream.RefuseAsync(context, StatusCode.InvalidArgument, "tenant is unknown");
        await using var tap = await RunningTap.StartAsync(upstream);
        using var events = new ExporterEvents();

        ExportSpans(tap, protocol, ["chat"]);

        Assert.Single(upstream.Calls);
        Assert.NotEmpty(events.Failures);
    }

    private static readonly Action<ILogger, int, Exception?> Line = LoggerMessage.Define<int>(LogLevel.Information, new EventId(1), "line {Number}");

    /// <summary>False where the SDK could not hand over what it has.</summary>
    private static bool ExportSpans(RunningTap tap, OtlpExportProtocol protocol, IEnumerable<string> names, OtlpExportCompression compression = OtlpExportCompression.None)
    {
        using var source = new ActivitySource("OtlpTap.Tests.Agent." + Guid.NewGuid());
        using var provider = Sdk.CreateTracerProviderBuilder().AddSource(source.Name).AddOtlpExporter(otlp =>
        {
            Configure(otlp, tap, protocol, Signal.Traces);
            otlp.Compression = compression;
        }).Build();
        foreach (var name in names)
        {
            using var span = source.StartActivity(name)!;
            span.SetTag("text", "žluťoučký 🐎");
            if (name.StartsWith("execute_tool", StringComparison.Ordinal))
            {
                span.SetTag("gen_ai.operation.name", "execute_tool");
                span.SetTag("error.type", "TimeoutException");
                span.SetStatus(ActivityStatusCode.Error, "no answer");
            }
        }

        return provider.ForceFlush((int)Deadline.Span.TotalMilliseconds);
    }

    private static void Configure(OtlpExporterOptions otlp, RunningTap tap, OtlpExportProtocol protocol, Signal signal)
    {
        otlp.Protocol = protocol;

        // Set in code the endpoint is the whole URL; by environment variable the SDK adds the path.
        otlp.Endpoint = protocol == OtlpExportProtocol.Grpc
            ? new Uri($"http://{tap.Host.GrpcEndpoint}")
            : new Uri($"http://{tap.Host.HttpEndpoint}/v1/{signal.ToString().ToLowerInvariant()}");
    }

    private static List<OpenTelemetry.Proto.Trace.V1.Span> SpansOf(StubUpstream upstream) =>
        [.. upstream.Calls.SelectMany(call => ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans)
            .SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)];

    /// <summary>What the SDK's exporter complains of; it tells nobody else.</summary>
    private sealed class ExporterEvents : EventListener
    {
        private readonly List<string> _failures = [];

        public IReadOnlyList<string> Failures
        {
            get
            {
                lock (_failures)
                {
                    return [.. _failures];
                }
            }
        }

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "OpenTelemetry-Exporter-OpenTelemetryProtocol")
            {
                EnableEvents(eventSource, EventLevel.Warning);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            // The field is null while the base class calls from its constructor.
            if (_failures is { } failures)
            {
                lock (failures)
                {
                    failures.Add($"{eventData.EventName}: {string.Join(", ", eventData.Payload ?? [])}");
                }
            }
        }
    }
}
