using System.Globalization;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>
/// What was acknowledged arrives, whatever the upstream does: killed, stalled, reset in the middle of an answer, refusing.
/// <c>OTLPTAP_CHAOS_SECONDS</c> makes each test last longer than the seconds that it takes by default.
/// </summary>
public sealed class ChaosTests
{
    private const int Agents = 8;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("OTLPTAP_CHAOS_SECONDS") ?? "10", CultureInfo.InvariantCulture));

    /// <summary>A mood lasts up to a tenth of the time, so that a test of minutes has outages of many seconds.</summary>
    private static readonly TimeSpan SpellMax = TimeSpan.FromSeconds(Math.Max(0.8, Time.TotalSeconds / 10));

    [Fact]
    public async Task Relayed_requests_that_were_acknowledged_have_arrived()
    {
        var ledger = new DeliveryLedger(seed: 1);
        await using var upstream = await UnreliableUpstream.StartAsync(ledger);
        await using var tap = await RunningTap.StartAsync(upstream.Endpoint, exporter: ", timeout: 500ms");

        await LoadAsync(ledger, tap, () => upstream.LiveAsync(new Random(1), Time, SpellMax, Enum.GetValues<Mood>()));

        // Nothing is on its way any more: an acknowledgement was the upstream's own.
        ledger.AssertSettled();
        Assert.True(ledger.Acknowledged > 100, ledger.Summary);
        await tap.SettledAsync();
    }

    [Fact]
    public async Task Spooled_requests_that_were_acknowledged_arrive()
    {
        using var files = new TapFiles();
        var ledger = new DeliveryLedger(seed: 2);
        await using var upstream = await UnreliableUpstream.StartAsync(ledger);
        await using var tap = await RunningTap.StartAsync(
            upstream.Endpoint,
            exporter: $$""", timeout: 500ms, retry_on_failure: { initial_interval: 50ms, max_interval: 500ms }, on_upstream_failure: spool, spool: { directory: '{{files.Directory}}/spool' }""");

        // What the upstream refuses for good it refuses also from the spool.
        await LoadAsync(ledger, tap, () => upstream.LiveAsync(new Random(2), Time, SpellMax, [.. Enum.GetValues<Mood>().Where(mood => mood != Mood.RefusingForGood)]));

        await ledger.SettleAsync();
        Assert.True(ledger.Acknowledged > 100, ledger.Summary);
        await tap.SettledAsync();
    }

    [Fact]
    public async Task Over_HTTP_relayed_requests_that_were_acknowledged_have_arrived()
    {
        var ledger = new DeliveryLedger(seed: 4);
        await using var upstream = await UnreliableUpstream.StartAsync(ledger, isHttp: true);
        await using var tap = await OverHttpAsync(upstream, "timeout: 500ms");

        await LoadAsync(ledger, tap, () => upstream.LiveAsync(new Random(4), Time, SpellMax, Enum.GetValues<Mood>()));

        ledger.AssertSettled();
        Assert.True(ledger.Acknowledged > 100, ledger.Summary);
        await tap.SettledAsync();
    }

    [Fact]
    public async Task Over_HTTP_spooled_requests_that_were_acknowledged_arrive()
    {
        using var files = new TapFiles();
        var ledger = new DeliveryLedger(seed: 5);
        await using var upstream = await UnreliableUpstream.StartAsync(ledger, isHttp: true);
        await using var tap = await OverHttpAsync(
            upstream,
            $"timeout: 500ms, retry_on_failure: {{ initial_interval: 50ms, max_interval: 500ms }}, on_upstream_failure: spool, spool: {{ directory: '{files.Directory}/spool' }}");

        // What the upstream refuses for good it refuses also from the spool.
        await LoadAsync(ledger, tap, () => upstream.LiveAsync(new Random(5), Time, SpellMax, [.. Enum.GetValues<Mood>().Where(mood => mood != Mood.RefusingForGood)]));

        await ledger.SettleAsync();
        Assert.True(ledger.Acknowledged > 100, ledger.Summary);
        await tap.SettledAsync();
    }

    [Fact]
    public async Task Whatever_a_second_destination_does_senders_get_the_primarys_answer_and_a_file_gets_everything()
    {
        var ledger = new DeliveryLedger(seed: 6);
        var second = new DeliveryLedger(seed: 6);
        await using var primary = await UnreliableUpstream.StartAsync(ledger);
        await using var unreliable = await UnreliableUpstream.StartAsync(second, isHttp: true);
        await using var tap = await RunningTap.ConfiguredAsync(directory => $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{directory}}/cases' } } }
            exporters:
              otlp_grpc/primary: { endpoint: "{{primary.Endpoint}}", tls: { insecure: true } }
              otlp_http/second: { endpoint: "http://{{unreliable.Endpoint}}", timeout: 500ms, retry_on_failure: { initial_interval: 50ms, max_interval: 500ms } }
              file: { path: '{{directory}}/all.json', flush_interval: 10ms }
            service:
              admin: { endpoint: "127.0.0.1:0" }
              pipelines: { traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/primary, otlp_http/second, file], primary: otlp_grpc/primary } }
            """);

        await LoadAsync(ledger, tap, () => unreliable.LiveAsync(new Random(6), Time, SpellMax, [Mood.Stalled, .. Enum.GetValues<Mood>()]));

        ledger.AssertSettled();
        Assert.True(ledger.Acknowledged > 100, ledger.Summary);
        Assert.Equal(0, ledger.Refused);
        Assert.Equal(ledger.Acknowledged, await tap.MetricAsync("""otelcol_exporter_sent_spans_total{exporter="otlp_grpc/primary"}"""));
        await Deadline.UntilAsync(async () => await tap.MetricAsync("""otelcol_exporter_sent_spans_total{exporter="file"}""") == ledger.Acknowledged, "the file has everything");
        await tap.SettledAsync();
    }

    private static Task<RunningTap> OverHttpAsync(UnreliableUpstream upstream, string exporter) => RunningTap.ConfiguredAsync(directory => $$"""
        receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
        processors: { tap: { corpus: { directory: '{{directory}}/cases' } } }
        exporters: { otlp_http/upstream: { endpoint: "http://{{upstream.Endpoint}}", {{exporter}} } }
        service:
          admin: { endpoint: "127.0.0.1:0" }
          pipelines: { traces: { receivers: [otlp], processors: [tap], exporters: [otlp_http/upstream] } }
        """);

    private static async Task LoadAsync(DeliveryLedger ledger, RunningTap tap, Func<Task> chaos)
    {
        using var stop = new CancellationTokenSource();
        var agents = Enumerable.Range(0, Agents).Select(agent => ledger.SendAsync(agent, () => tap.Client, stop.Token)).ToList();
        await chaos();
        await stop.CancelAsync();
        await Task.WhenAll(agents);
    }
}
