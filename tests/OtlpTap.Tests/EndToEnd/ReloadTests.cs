using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;
using OtlpTap.Tests.Hosting;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A new configuration comes in force under load: nothing of what runs is lost.</summary>
public sealed class ReloadTests
{
    private static readonly byte[] Failing = new TraceBuilder().Span("execute_tool change_address", ("gen_ai.operation.name", "execute_tool")).Failed("no answer").ToBytes();

    [Fact]
    public async Task A_reload_says_which_certificates_could_not_be_read_again()
    {
        using var authority = new TestAuthority();
        var server = authority.Create("server", TestAuthority.ServerAuthentication);
        var certificate = authority.WriteCertificate("server.pem", server);
        await using var tap = await RunningTap.ConfiguredAsync(directory =>
            $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0", tls: { cert_file: '{{certificate}}', key_file: '{{authority.WriteKey("server.key", server)}}' } } } } }
            processors: { tap: { corpus: { directory: '{{directory}}' } } }
            service: { admin: { endpoint: "127.0.0.1:0" } }
            """);
        authority.Write("server.pem", "half a file");

        var refused = await tap.ReloadAsync(text => text);
        authority.WriteCertificate("server.pem", server);
        var again = await tap.ReloadAsync(text => text);

        Assert.True(refused.IsApplied);
        Assert.Equal([$"otlp grpc: the certificates in use stay: tls.cert_file `{certificate}` has no certificate in PEM form", "the configuration is in force"], refused.Lines);
        Assert.Equal(["the configuration is in force"], again.Lines);
    }

    [Fact]
    public async Task Requests_go_to_the_new_upstream_and_none_fails_meanwhile()
    {
        var ledger = new DeliveryLedger(seed: 5);
        await using var first = await UnreliableUpstream.StartAsync(ledger);
        await using var second = await UnreliableUpstream.StartAsync(ledger);
        await using var tap = await RunningTap.StartAsync(first.Endpoint);
        using var stop = new CancellationTokenSource();
        var agents = Enumerable.Range(0, 4).Select(agent => ledger.SendAsync(agent, () => tap.Client, stop.Token)).ToList();
        await Deadline.UntilAsync(() => ledger.Acknowledged > 50, "requests flow");
        var endpoint = tap.Host.GrpcEndpoint;

        for (var change = 0; change < 10; change++)
        {
            var (from, to) = change % 2 == 0 ? (first.Endpoint, second.Endpoint) : (second.Endpoint, first.Endpoint);
            var result = await tap.ReloadAsync(text => text.Replace(from, to, StringComparison.Ordinal));
            Assert.True(result.IsApplied, string.Join('\n', result.Lines));
            var before = ledger.Acknowledged;
            await Deadline.UntilAsync(() => ledger.Acknowledged > before + 20, "requests flow on");
        }

        await stop.CancelAsync();
        await Task.WhenAll(agents);

        Assert.Equal(0, ledger.Refused);
        Assert.Equal(endpoint, tap.Host.GrpcEndpoint);
        ledger.AssertSettled();
        await tap.SettledAsync();
        Assert.Equal(10, await tap.MetricAsync("otlptap_config_reloads_total{result=\"applied\"}"));
    }

    [Fact]
    public async Task What_is_in_the_spool_goes_to_the_new_endpoint_and_meanwhile_no_sender_is_refused_for_good()
    {
        const string Labels = "{exporter=\"otlp_grpc/upstream\"}";
        var spool = Directory.CreateTempSubdirectory("otlptap-spool-").FullName;
        await using var first = await StubUpstream.StartAsync();
        await using var second = await StubUpstream.StartAsync();
        first.Answer = second.Answer = (context, _) => StubUpstream.ReplyAsync(context, StatusCode.Unavailable, "away");
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using (var tap = await RunningTap.StartAsync(first, exporter: $", on_upstream_failure: spool, spool: {{ directory: '{spool}' }}", time: time))
        {
            var sent = Enumerable.Range(0, 10).Select(i => new TraceBuilder().Span($"step {i}").ToBytes()).ToList();
            foreach (var message in sent)
            {
                Assert.Empty(await tap.ExportAsync(Signal.Traces, message));
            }

            Assert.Equal(10, await tap.MetricAsync("otlptap_spool_records" + Labels));
            Assert.True((await tap.ReloadAsync(text => text.Replace(first.Endpoint, second.Endpoint, StringComparison.Ordinal))).IsApplied);

            // The clock stands, so the exporter from before does not end.
            Assert.Equal(0, await tap.MetricAsync("otlptap_spool_open" + Labels));
            Assert.Equal(StatusCode.Unavailable, (await tap.RefusalOfAsync(Signal.Traces, Failing)).StatusCode);
            second.Answer = (context, _) => StubUpstream.SucceedAsync(context);
            Assert.Empty(await tap.ExportAsync(Signal.Traces, Failing));

            // A further change before the first has come to its end, and one that takes the exporter away and brings it again.
            Assert.True((await tap.ReloadAsync(text => text.Replace("on_upstream_failure: spool", "timeout: 7s, on_upstream_failure: spool", StringComparison.Ordinal))).IsApplied);
            Assert.True((await tap.ReloadAsync(text => text.Replace("otlp_grpc/upstream", "otlp_grpc/other", StringComparison.Ordinal))).IsApplied);
            await Deadline.UntilAsync(
                async () =>
                {
                    time.Advance(TimeSpan.FromSeconds(1));
                    return await tap.MetricAsync("otlptap_spool_open{exporter=\"otlp_grpc/other\"}") == 1 && await tap.MetricAsync("otlptap_spool_records{exporter=\"otlp_grpc/other\"}") == 0;
                },
                "the spool is empty");

            var arrived = second.Calls.SelectMany(call => ExportTraceServiceRequest.Parser.ParseFrom(call.Message).ResourceSpans).SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans).Select(span => span.Name).ToHashSet();
            Assert.Superset(Enumerable.Range(0, 10).Select(i => $"step {i}").ToHashSet(), arrived);
        }

        Directory.Delete(spool, recursive: true);
    }

    [Fact]
    public async Task A_request_in_flight_gets_its_answer_from_the_upstream_that_it_went_to()
    {
        await using var first = await StubUpstream.StartAsync();
        await using var second = await StubUpstream.StartAsync();
        var wakes = new TaskCompletionSource();
        first.Answer = async (context, _) =>
        {
            await wakes.Task;
            await StubUpstream.SucceedAsync(context);
        };
        await using var tap = await RunningTap.StartAsync(first);
        var early = tap.ExportAsync(Signal.Traces, Failing);
        await Deadline.UntilAsync(() => first.Calls.Count == 1, "the request is upstream");

        Assert.True((await tap.ReloadAsync(text => text.Replace(first.Endpoint, second.Endpoint, StringComparison.Ordinal))).IsApplied);
        Assert.Empty(await tap.ExportAsync(Signal.Traces, Failing));
        Assert.False(early.IsCompleted);
        wakes.SetResult();

        Assert.Empty(await early.InTime());
        Assert.Equal((1, 1), (first.Calls.Count, second.Calls.Count));
    }

    [Fact]
    public async Task New_rules_tag_and_the_recorder_keeps_what_came_before()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream, tap: "packs: [none]");
        var builder = new TraceBuilder().Span("before");
        await tap.ExportAsync(Signal.Traces, builder.ToBytes());

        var result = await tap.ReloadAsync(text => text.Replace(
            "packs: [none]", "packs: [none]\n    rules: [{ name: is_late, failure: planning_error, condition: 'span.name == \"late\"' }]", StringComparison.Ordinal));

        Assert.True(result.IsApplied, string.Join('\n', result.Lines));
        builder.Request.ResourceSpans.Clear();
        await tap.ExportAsync(Signal.Traces, builder.Span("late").ToBytes());
        var trace = await File.ReadAllTextAsync(Assert.Single(await tap.CaseFilesAsync("trace.json", 1)), TestContext.Current.CancellationToken);
        Assert.Contains("\"before\"", trace, StringComparison.Ordinal);
        Assert.Contains("\"late\"", trace, StringComparison.Ordinal);
        Assert.Equal(1, await tap.MetricAsync("otlptap_failing_spans_total{failure=\"planning_error\",rule=\"is_late\",service=\"agent\"}"));
    }

    [Fact]
    public async Task Who_moves_the_admin_port_is_told_where_it_is()
    {
        await using var tap = await RunningTap.ConfiguredAsync(directory =>
            $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{directory}}' } } }
            service: { admin: { endpoint: "127.0.0.1:0" } }
            """);

        var moved = await tap.ReloadAsync(text => text.Replace("admin: { endpoint: \"127.0.0.1:0\"", "admin: { endpoint: \"127.0.0.2:0\"", StringComparison.Ordinal));
        var stayed = await tap.ReloadAsync(text => text);

        Assert.Equal([$"the admin port is {tap.Host.AdminEndpoint} from now on", "the configuration is in force"], moved.Lines);
        Assert.Equal("127.0.0.2", tap.Host.AdminEndpoint.Address.ToString());
        Assert.Equal(["the configuration is in force"], stayed.Lines);
    }

    [Fact]
    public async Task An_invalid_configuration_changes_nothing_and_says_why()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        var result = await tap.ReloadAsync(text => text.Replace("timeout", "", StringComparison.Ordinal).Replace("exporters: [otlp_grpc/upstream]", "exporters: [otlp_grpc/upsteram]", StringComparison.Ordinal));

        Assert.False(result.IsApplied);
        Assert.Contains(result.Lines, line => line.StartsWith("test.yaml:", StringComparison.Ordinal) && line.Contains("did you mean `otlp_grpc/upstream`?", StringComparison.Ordinal));
        Assert.Empty(await tap.ExportAsync(Signal.Traces, Failing));
        Assert.Equal((0, 1), (await tap.MetricAsync("otlptap_config_last_reload_successful"), await tap.MetricAsync("otlptap_config_reloads_total{result=\"refused\"}")));
    }

    [Fact]
    public async Task A_port_that_is_taken_changes_nothing()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);

        var result = await tap.ReloadAsync(text => text.Replace("http: { endpoint: \"127.0.0.1:0\"", $"http: {{ endpoint: \"{upstream.Endpoint}\"", StringComparison.Ordinal));

        Assert.False(result.IsApplied);
        Assert.Contains(result.Lines, line => line.Contains($"cannot listen on {upstream.Endpoint}", StringComparison.Ordinal));
        Assert.Empty(await tap.ExportAsync(Signal.Traces, Failing));
        Assert.NotEqual(0, tap.Host.HttpEndpoint.Port);
    }

    [Fact]
    public async Task How_sessions_are_followed_changes_with_the_next_start_alone_and_is_named()
    {
        await using var tap = await RunningTap.StartAsync(tap: "feedback: { implicit: { session_idle: 1m } }");

        var result = await tap.ReloadAsync(text => text.Replace("session_idle: 1m", "session_idle: 2m", StringComparison.Ordinal));

        Assert.True(result.IsApplied);
        Assert.Contains(result.Lines, line => line.StartsWith("processors.tap.feedback.implicit: takes effect with the next start", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_only_a_start_can_change_is_named_and_the_rest_is_applied()
    {
        await using var first = await StubUpstream.StartAsync();
        await using var second = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(first);

        var result = await tap.ReloadAsync(text => text.Replace(first.Endpoint, second.Endpoint, StringComparison.Ordinal).Replace("settle: 50ms", "settle: 70ms", StringComparison.Ordinal));

        Assert.True(result.IsApplied);
        Assert.Contains(result.Lines, line => line.StartsWith("processors.tap.corpus.settle: takes effect with the next start", StringComparison.Ordinal));
        await tap.ExportAsync(Signal.Traces, Failing);
        Assert.Single(second.Calls);
    }

    [Fact]
    public async Task A_listener_that_is_added_listens_and_one_that_is_taken_away_does_not()
    {
        await using var upstream = await StubUpstream.StartAsync();
        await using var tap = await RunningTap.StartAsync(upstream);
        Assert.NotEqual(0, tap.Host.HttpEndpoint.Port);

        Assert.True((await tap.ReloadAsync(text => text.Replace(", http: { endpoint: \"127.0.0.1:0\" }", "", StringComparison.Ordinal))).IsApplied);
        Assert.Equal(0, tap.Host.HttpEndpoint.Port);
        Assert.Empty(await tap.ExportAsync(Signal.Traces, Failing));

        Assert.True((await tap.ReloadAsync(text => text.Replace("grpc: { endpoint: \"127.0.0.1:0\" }", "grpc: { endpoint: \"127.0.0.1:0\" }, http: { endpoint: \"127.0.0.1:0\" }", StringComparison.Ordinal))).IsApplied);
        using var client = new HttpClient();
        using var content = new ByteArrayContent(Failing) { Headers = { ContentType = new("application/x-protobuf") } };
        using var response = await client.PostAsync(new Uri($"http://{tap.Host.HttpEndpoint}/v1/traces"), content, TestContext.Current.CancellationToken);
        Assert.Equal(System.Net.HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(2, upstream.Calls.Count);
    }
}
