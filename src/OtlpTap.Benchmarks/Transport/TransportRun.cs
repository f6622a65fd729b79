using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Forward;
using OtlpTap.Forward.Http2;

namespace OtlpTap.Benchmarks.Transport;

/// <summary>
/// Both transports before one sink, each load in rounds A, B, B, A, A, B, so that a slow minute of the machine falls on
/// both, and neither always follows the other.
/// </summary>
internal sealed class TransportRun(TransportOptions options, TextWriter progress)
{
    public async Task<IReadOnlyList<TransportMeasurement>> RunAsync(CancellationToken cancellation)
    {
        await using var sink = await SinkProcess.StartAsync(cancellation);
        var upstream = new UpstreamOptions { Endpoint = new UpstreamEndpoint("127.0.0.1", sink.Port, UseTls: false) };
        await using var yardstick = new HttpUpstreamTransport(upstream);
        await using var own = new Http2Transport(upstream, TimeProvider.System, NullLogger<Http2Transport>.Instance);
        (string Name, IUpstreamTransport Transport)[] transports = [(TransportTable.Yardstick, yardstick), ("own HTTP/2", own)];

        var measured = new List<TransportMeasurement>();
        foreach (var load in TransportCase.All)
        {
            progress.WriteLine(load.Title);
            var calls = new TransportLoad(load, sink);
            foreach (var (name, transport) in transports)
            {
                await calls.RunAsync(name, transport, options.WarmUp, cancellation);
            }

            for (var round = 1; round <= options.Rounds; round++)
            {
                foreach (var (name, transport) in round % 2 == 1 ? transports : transports.Reverse())
                {
                    measured.Add(await Quietest.OfAsync(
                        () => calls.RunAsync(name, transport, options.Duration, cancellation),
                        measurement => measurement.ForeignCores,
                        options.RepeatsMax));
                }

                progress.WriteLine($"  round {round} of {options.Rounds}");
            }
        }

        return measured;
    }
}
