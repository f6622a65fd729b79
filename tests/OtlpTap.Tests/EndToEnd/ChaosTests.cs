using System.Globalization;

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
        await ledger.SettleAsync(TimeSpan.Zero);
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

        await ledger.SettleAsync(TimeSpan.FromMinutes(1));
        Assert.True(ledger.Acknowledged > 100, ledger.Summary);
        await tap.SettledAsync();
    }

    private static async Task LoadAsync(DeliveryLedger ledger, RunningTap tap, Func<Task> chaos)
    {
        using var stop = new CancellationTokenSource();
        var agents = Enumerable.Range(0, Agents).Select(agent => ledger.SendAsync(agent, () => tap.Client, stop.Token)).ToList();
        await chaos();
        await stop.CancelAsync();
        await Task.WhenAll(agents);
    }
}
