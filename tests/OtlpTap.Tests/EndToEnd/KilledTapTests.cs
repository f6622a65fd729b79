namespace OtlpTap.Tests.EndToEnd;

/// <summary>SIGKILL at any moment, with a spool: what was acknowledged before is delivered by the next process.</summary>
public sealed class KilledTapTests : IDisposable
{
    private const int Kills = 50;
    private const int Agents = 4;
    private const int Seed = 3;

    /// <summary>Requests between two kills, at the most. An upstream that stalls lets each agent wait for its time-out.</summary>
    private const int RequestsMax = 24;

    private readonly TapFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Of_fifty_killed_taps_nothing_acknowledged_is_lost()
    {
        var random = new Random(Seed);
        var ledger = new DeliveryLedger(Seed);
        await using var upstream = await UnreliableUpstream.StartAsync(ledger);
        await File.WriteAllTextAsync(
            _files.ConfigFile,
            $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" } } } }
            processors: { tap: { corpus: { directory: '{{_files.Cases}}' } } }
            exporters:
              otlp_grpc/upstream:
                endpoint: "{{upstream.Endpoint}}"
                tls: { insecure: true }
                timeout: 300ms
                retry_on_failure: { initial_interval: 20ms, max_interval: 200ms }
                on_upstream_failure: spool
                spool: { directory: '{{_files.Directory}}/spool', segment_size_mib: 1 }
            service: { admin: { endpoint: "127.0.0.1:0" } }
            """,
            TestContext.Current.CancellationToken);

        ExportClient? client = null;
        using var stop = new CancellationTokenSource();
        var agents = Enumerable.Range(0, Agents).Select(agent => ledger.SendAsync(agent, () => Volatile.Read(ref client), stop.Token)).ToList();
        for (var kill = 0; kill < Kills; kill++)
        {
            await upstream.TurnAsync((Mood)random.Next((int)Mood.ResetInAnswer + 1));
            await using var tap = await TapProcess.ListeningAsync(TapProgram.Fastest, ["--config", _files.ConfigFile]);
            using (var agentsClient = new ExportClient(tap.GrpcEndpoint))
            {
                Volatile.Write(ref client, agentsClient);
                await KillMoment.Next(random, RequestsMax).ReachedAsync(kill, () => ledger.Sent, () => ledger.Acknowledged);
                tap.Kill();
                Volatile.Write(ref client, null);
            }
        }

        await upstream.TurnAsync(Mood.Well);
        await using var last = await TapProcess.ListeningAsync(TapProgram.Fastest, ["--config", _files.ConfigFile]);
        using var lastClient = new ExportClient(last.GrpcEndpoint);
        Volatile.Write(ref client, lastClient);
        await stop.CancelAsync();
        await Task.WhenAll(agents);

        await ledger.SettleAsync();
        Assert.True(ledger.Acknowledged > Kills, ledger.Summary);
    }
}
