using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.EndToEnd.Conformance;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// Traces to Tempo over gRPC, logs to Loki and metrics to Prometheus over HTTP, each by a pipeline of its own, with
/// stand-ins that answer as those do: Loki 204 and its own form of a Status, Prometheus 200 with nothing in it.
/// </summary>
public sealed class SignalsToTheirBackendsTests : IAsyncLifetime
{
    private StubUpstream _tempo = null!;
    private StubUpstream _loki = null!;
    private StubUpstream _prometheus = null!;
    private RunningTap _tap = null!;

    public static TheoryData<Protocol> EachProtocol => ConformanceTests.EachProtocol;

    public async ValueTask InitializeAsync()
    {
        _tempo = await StubUpstream.StartAsync();
        _loki = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        _prometheus = await StubUpstream.StartAsync(protocols: HttpProtocols.Http1);
        _loki.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 204);
        _prometheus.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 200);
        _tap = await RunningTap.ConfiguredAsync(directory => $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{directory}}' } } }
            exporters:
              otlp_grpc/tempo: { endpoint: "{{_tempo.Endpoint}}", tls: { insecure: true } }
              otlp_http/loki: { endpoint: "http://{{_loki.Endpoint}}/otlp", compression: gzip }
              otlp_http/prometheus: { endpoint: "http://{{_prometheus.Endpoint}}/api/v1/otlp/" }
            service:
              admin: { endpoint: "127.0.0.1:0" }
              pipelines:
                traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/tempo] }
                logs: { receivers: [otlp], processors: [tap], exporters: [otlp_http/loki] }
                metrics: { receivers: [otlp], processors: [tap], exporters: [otlp_http/prometheus] }
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _tap.DisposeAsync();
        await _tempo.DisposeAsync();
        await _loki.DisposeAsync();
        await _prometheus.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    public async Task Each_signal_goes_to_its_own_and_what_they_answer_is_full_success(Protocol protocol)
    {
        using var sender = new Sender(_tap, protocol);
        var lines = new ExportLogsServiceRequest
        {
            ResourceLogs = { new ResourceLogs { ScopeLogs = { new ScopeLogs { LogRecords = { new LogRecord { Body = TraceBuilder.ValueOf(new string('x', 1000)) } } } } } },
        }.ToByteArray();
        foreach (var (signal, request) in new[] { (Signal.Traces, Invalid.OneOfTwo(Signal.Traces)), (Signal.Logs, lines), (Signal.Metrics, Invalid.OneOfTwo(Signal.Metrics)) })
        {
            var answer = await sender.ExportAsync(signal, request);
            Assert.Equal((true, null), (answer.IsSuccess, answer.Partial));
        }

        Assert.Equal(ExportServiceNames.PathOf(Signal.Traces), Assert.Single(_tempo.Calls).Path);
        var logs = Assert.Single(_loki.Calls);
        var metrics = Assert.Single(_prometheus.Calls);
        Assert.Equal(("/otlp/v1/logs", "/api/v1/otlp/v1/metrics"), (logs.Path, metrics.Path));
        Assert.All([logs, metrics], call => Assert.Equal("application/x-protobuf", call.Headers["content-type"]));
        Assert.Equal(("gzip", null), (logs.Headers["content-encoding"], metrics.Headers.GetValueOrDefault("content-encoding")));
        Assert.Equal(lines, logs.Decompressed);
        Assert.Equal(Invalid.OneOfTwo(Signal.Metrics), metrics.Decompressed);
    }

    [Theory]
    [MemberData(nameof(EachProtocol))]
    public async Task What_Loki_says_of_a_refusal_reaches_the_sender_whole(Protocol protocol)
    {
        using var sender = new Sender(_tap, protocol);
        var said = "entry for stream '{service_name=\"unknown_service\"}' has timestamp too old: " + new string('x', 2000);
        _loki.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, 400, "application/octet-stream", WireBytes.Field(2, said));

        var answer = await sender.ExportAsync(Signal.Logs, Invalid.OneOfTwo(Signal.Logs));

        Assert.Equal(((int)StatusCode.InvalidArgument, said), (answer.Details!.Value.Code, answer.Details!.Value.Message));
    }

    /// <summary>Before Loki 3.4, and Prometheus.</summary>
    [Theory]
    [MemberData(nameof(EachProtocol))]
    public async Task What_Loki_says_in_text_reaches_the_sender_with_its_meaning(Protocol protocol)
    {
        using var sender = new Sender(_tap, protocol);

        var late = await AnswerAsync(429, "Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec)", ("Retry-After", "3"));
        var bad = await AnswerAsync(400, "error at least one label pair is required per stream\n");
        var broken = await AnswerAsync(500, "empty ring\n");
        var away = await AnswerAsync(503, "Service Unavailable\n");

        Assert.Equal((true, StatusCode.ResourceExhausted, TimeSpan.FromSeconds(3)), (late.IsRetryable, CodeOf(late), late.RetryInfo!.Value));
        Assert.Equal("Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec)", late.Details!.Value.Message);
        Assert.Equal((false, StatusCode.InvalidArgument, "error at least one label pair is required per stream"), (bad.IsRetryable, CodeOf(bad), bad.Details!.Value.Message));
        Assert.Equal((false, StatusCode.Internal), (broken.IsRetryable, CodeOf(broken)));
        Assert.Equal((true, StatusCode.Unavailable), (away.IsRetryable, CodeOf(away)));
        if (protocol != Protocol.Grpc)
        {
            Assert.Equal((429, 400, 500, 503), (late.HttpStatus, bad.HttpStatus, broken.HttpStatus, away.HttpStatus));
            Assert.Equal(TimeSpan.FromSeconds(3), late.RetryAfter);
        }

        async Task<Answer> AnswerAsync(int status, string text, params (string Name, string Value)[] headers)
        {
            _loki.Answer = (context, _) => StubUpstream.AnswerHttpAsync(context, status, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(text), headers);
            return await sender.ExportAsync(Signal.Logs, Invalid.OneOfTwo(Signal.Logs));
        }

        static StatusCode CodeOf(Answer answer) => (StatusCode)answer.Details!.Value.Code;
    }

    [Fact]
    public async Task While_Loki_is_away_traces_and_metrics_flow()
    {
        using var sender = new Sender(_tap, Protocol.HttpProtobuf);
        await _loki.DisposeAsync();

        var logs = await sender.ExportAsync(Signal.Logs, Invalid.OneOfTwo(Signal.Logs));

        Assert.Equal((503, true), (logs.HttpStatus, logs.IsRetryable));
        Assert.True((await sender.ExportAsync(Signal.Traces, Invalid.OneOfTwo(Signal.Traces))).IsSuccess);
        Assert.True((await sender.ExportAsync(Signal.Metrics, Invalid.OneOfTwo(Signal.Metrics))).IsSuccess);
    }
}
