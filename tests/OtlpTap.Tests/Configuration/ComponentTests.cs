using OtlpTap.Configuration;
using OtlpTap.Otlp;
using OtlpTap.Rules;

namespace OtlpTap.Tests.Configuration;

public sealed class ComponentTests
{
    [Fact]
    public void Every_key_of_the_receiver_is_read()
    {
        var receiver = Configured.Valid(
            """
            receivers:
              otlp/agents:
                protocols:
                  grpc:
                    endpoint: "[::1]:14317"
                    transport: tcp
                    max_recv_msg_size_mib: 16
                    max_concurrent_streams: 256
                    include_metadata: false
                    keepalive:
                      server_parameters: { max_connection_idle: 11s, max_connection_age: 30m, max_connection_age_grace: 10s, time: 30s, timeout: 5s }
            """).Receivers[0];

        Assert.Equal("otlp/agents", receiver.Id);
        Assert.Equal(
            new GrpcReceiverOptions
            {
                Endpoint = new ListenAddress("::1", 14317),
                MaxReceiveMessageBytes = 16 << 20,
                MaxConcurrentStreams = 256,
                MaxConnectionIdle = TimeSpan.FromSeconds(11),
                MaxConnectionAge = TimeSpan.FromMinutes(30),
                MaxConnectionAgeGrace = TimeSpan.FromSeconds(10),
                KeepaliveTime = TimeSpan.FromSeconds(30),
                KeepaliveTimeout = TimeSpan.FromSeconds(5),
            },
            receiver.Grpc);
    }

    [Fact]
    public void Every_key_of_the_tap_is_read()
    {
        var tap = Configured.Valid(
            """
            processors:
              tap:
                packs: [genai]
                recorder: { max_size_mib: 64, max_age: 10m, directory: "" }
                corpus: { directory: /cases, settle: 500ms }
                tee: { max_size_mib: 8 }
                on_invalid: reject_item
                limits: { in_flight_mib: 128 }
                forward_headers: [X-Scope-OrgID, x-scope-orgid, x-tenant]
                rules:
                  - name: refund_too_high
                    failure: planning_error
                    condition: span.attributes["shop.amount_cents"] > 50000
                    tag: false
                    description: more than an agent may give back
                  - name: exception
                    failure: error
                    context: spanevent
                    condition: spanevent.name == "exception"
                    tee: false
                    metric: false
            """).Processor;

        Assert.Equal(["genai"], tap.Packs);
        Assert.Equal((64L << 20, TimeSpan.FromMinutes(10)), (tap.RecorderBytesMax, tap.RecorderAgeMax));
        Assert.Equal(("/cases", TimeSpan.FromMilliseconds(500)), (tap.CorpusDirectory, tap.CorpusSettle));
        Assert.Equal((8L << 20, 128L << 20), (tap.TeeBytesMax, tap.InFlightBytesMax));
        Assert.Equal(OnInvalid.RejectItem, tap.OnInvalid);
        Assert.Equal(["x-scope-orgid", "x-tenant"], tap.ForwardHeaders);
        Assert.Equal(
            [
                new Rule("refund_too_high", "planning_error", RuleContext.Span, "span.attributes[\"shop.amount_cents\"] > 50000", Tag: false, Source: "tap.yaml:11", Description: "more than an agent may give back"),
                new Rule("exception", "error", RuleContext.SpanEvent, "spanevent.name == \"exception\"", Tee: false, Metric: false, Source: "tap.yaml:16"),
            ],
            tap.Rules);
    }

    [Fact]
    public void A_pasted_Collector_exporter_works_under_its_older_name_and_without_compression_written()
    {
        var options = Configured.Valid("exporters:\n  otlp:\n    endpoint: tempo:4317\n    tls:\n      insecure: true\n");

        var exporter = Assert.Single(options.Exporters);
        Assert.Equal("otlp", exporter.Id);
        Assert.All(Enum.GetValues<Signal>(), signal => Assert.Same(exporter, options.PipelineOf("otlp", signal)!.Primary));
    }

    [Fact]
    public void Signals_can_go_to_different_exporters_and_a_signal_without_a_pipeline_to_none()
    {
        var options = Configured.Valid(
            """
            exporters:
              otlp_grpc/tempo: { endpoint: tempo:4317 }
              otlp_grpc/loki: { endpoint: loki:4317 }
            service:
              pipelines:
                traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/tempo] }
                logs/all: { receivers: otlp, exporters: otlp_grpc/loki }
            """);

        Assert.Equal("otlp_grpc/tempo", options.PipelineOf("otlp", Signal.Traces)!.Primary!.Id);
        Assert.Equal(("logs/all", false, "otlp_grpc/loki"), (options.PipelineOf("otlp", Signal.Logs)!.Id, options.PipelineOf("otlp", Signal.Logs)!.IsTapped, options.PipelineOf("otlp", Signal.Logs)!.Primary!.Id));
        Assert.Null(options.PipelineOf("otlp", Signal.Metrics));
        Assert.Equal(2, options.Exporters.Length);
    }

    [Theory]
    [InlineData("packs: none")]
    [InlineData("packs: [none]")]
    [InlineData("packs: []")]
    public void No_pack_can_be_chosen(string packs) =>
        Assert.Empty(Configured.Valid($"processors: {{ tap: {{ {packs} }} }}").Processor.Packs);

    [Fact]
    public void The_rules_in_force_are_the_packs_with_the_operators_over_them()
    {
        var packs = Configured.Valid("").Rules;
        Assert.NotEqual(0, packs.Count);
        var own = $"{{ name: {packs[0].Name}, failure: mine, condition: span.name == \"a\" }}, {{ name: added, failure: mine, condition: span.name == \"b\" }}";

        var together = Configured.Valid($"processors: {{ tap: {{ rules: [{own}] }} }}").Rules;
        var alone = Configured.Valid($"processors: {{ tap: {{ packs: none, rules: [{own}] }} }}").Rules;

        Assert.Equal(packs.Count + 1, together.Count);
        Assert.Equal((packs[0].Name, "mine"), (together[0].Name, together[0].Failure));
        Assert.Equal("added", together[packs.Count].Name);
        Assert.Equal(2, alone.Count);
    }

    [Fact]
    public void Ports_that_the_system_chooses_are_not_the_same_port()
    {
        var options = Configured.Valid("receivers: { otlp: { protocols: { grpc: { endpoint: \":0\" } } } }\nservice: { admin: { endpoint: \"127.0.0.1:0\" } }\n");

        Assert.Equal((0, 0), (options.Receivers[0].Grpc!.Endpoint.Tcp.Port, options.Service.Admin.Endpoint.Tcp.Port));
    }
}
