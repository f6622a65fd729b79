using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Configuration;
using OtlpTap.Hosting;
using OtlpTap.Replay;

namespace OtlpTap.Cli.Replaying;

/// <summary>What a rerun listens on: a tap of its own for the agents' telemetry, and behind it the port that takes it and has the recorded world.</summary>
internal sealed class ReplayRig : IAsyncDisposable
{
    private readonly WebApplication _world;
    private readonly TapHost _tap;
    private readonly bool _hasModel;
    private readonly bool _hasTools;

    private ReplayRig(WebApplication world, TapHost tap, bool hasModel, bool hasTools)
    {
        _world = world;
        _tap = tap;
        _hasModel = hasModel;
        _hasTools = hasTools;
    }

    public string Grpc => _tap.GrpcEndpoint.ToString();

    public Uri Otlp => new($"http://{_tap.HttpEndpoint}");

    public Uri World => new(_world.Urls.First());

    /// <exception cref="ListenException">An address cannot be opened.</exception>
    /// <exception cref="IOException">The world's address cannot be opened.</exception>
    public static async Task<ReplayRig> StartAsync(TraceMailbox mailbox, ReplayAddressOptions addresses, bool hasModel, bool hasTools, TimeProvider time, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 128 << 20;
            kestrel.Listen(addresses.World, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var world = builder.Build();
        world.Run(new WorldEndpoint(mailbox, hasModel, hasTools).HandleAsync);
        TapHost? tap = null;
        try
        {
            await world.StartAsync(cancellation);
            tap = TapHost.Create(Options(addresses, world.Urls.First()), time, NullLoggerFactory.Instance);
            await tap.StartAsync(cancellation);
            return new ReplayRig(world, tap, hasModel, hasTools);
        }
        catch
        {
            if (tap is not null)
            {
                await tap.DisposeAsync();
            }

            await world.DisposeAsync();
            throw;
        }
    }

    public ReplayAddresses AddressesOf(ReplayRun run)
    {
        Uri? At(bool isThere, string path) => isThere && run.World is not null ? new Uri(World, WorldEndpoint.RunPath(run) + path) : null;
        return new ReplayAddresses(Otlp, At(_hasModel, "/v1"), At(_hasTools, "/tools"), At(_hasTools, "/mcp"));
    }

    public async ValueTask DisposeAsync()
    {
        await _tap.DisposeAsync();
        await _world.DisposeAsync();
    }

    // A line without the tap's processor: nothing is tagged, recorded or kept as a case of its own.
    private static TapOptions Options(ReplayAddressOptions addresses, string world)
    {
        var text = $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "{{addresses.Grpc}}" }, http: { endpoint: "{{addresses.Http}}" } } } }
            exporters: { otlp_http/run: { endpoint: "{{world}}{{WorldEndpoint.SinkPath}}" } }
            service:
              admin: { endpoint: "127.0.0.1:0" }
              pipelines:
                traces: { receivers: [otlp], exporters: [otlp_http/run] }
                logs: { receivers: [otlp], exporters: [otlp_http/run] }
                metrics: { receivers: [otlp], exporters: [otlp_http/run] }
            """;
        var loaded = new ConfigurationLoader().LoadText([("replay", text)]);
        return loaded.Options ?? throw new InvalidOperationException($"The configuration of replay is refused: {string.Join("; ", loaded.Problems)}");
    }
}

/// <summary>Where a rerun listens; port 0 lets the system choose.</summary>
internal sealed record ReplayAddressOptions(IPEndPoint Http, IPEndPoint Grpc, IPEndPoint World)
{
    public static readonly ReplayAddressOptions Any = new(new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.Loopback, 0));
}
