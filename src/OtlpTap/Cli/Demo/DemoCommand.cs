using System.CommandLine;
using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Configuration;
using OtlpTap.Corpus;
using OtlpTap.Hosting;

namespace OtlpTap.Cli.Demo;

/// <summary><c>otlptap demo</c>: agent, users, tap and upstream in one process, over real sockets, so that one sees what the tap does.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var runs = new Option<int>("--runs") { Description = "How often the sample agent runs.", HelpName = "NUMBER", DefaultValueFactory = _ => DemoRun.Story.Count };
        var cases = new Option<string>("--cases") { Description = "Where cases go.", HelpName = "DIRECTORY", DefaultValueFactory = _ => "./otlptap-data/demo/cases" };
        var stay = new Option<bool>("--stay") { Description = "Go on with a run a second until Ctrl+C, to look around meanwhile." };
        var command = new Command("demo", "A sample agent that sometimes fails, its users, a tap and a stand-in for Tempo, in one process: see what is tagged, what the tap advises and which cases appear.") { runs, cases, stay };
        command.SetAction(async (parsed, cancellation) =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            using var signals = parsed.GetValue(stay) ? new StopSignals(stop, TimeProvider.System) : null;
            return await RunAsync(parsed.GetValue(runs), parsed.GetValue(cases)!, parsed.GetValue(stay), parsed.InvocationConfiguration.Output, TimeProvider.System, stop.Token);
        });
        return command;
    }

    private static async Task<int> RunAsync(int runs, string directory, bool stays, TextWriter output, TimeProvider time, CancellationToken cancellation)
    {
        var upstream = new DemoUpstream();
        await using var upstreamServer = await StartUpstreamAsync(upstream, cancellation);
        var upstreamPort = new Uri(upstreamServer.Urls.First()).Port;

        var options = Options(upstreamPort, directory);
        await using var tap = TapHost.Create(options, time, NullLoggerFactory.Instance);
        await tap.StartAsync(cancellation);
        output.WriteLine($"upstream  a stand-in for Tempo takes OTLP/gRPC on 127.0.0.1:{upstreamPort}");
        output.WriteLine($"tap       OTLP/gRPC on {tap.GrpcEndpoint}, OTLP/HTTP on {tap.HttpEndpoint}, metrics on http://{tap.AdminEndpoint}/metrics, cases in {directory}");
        output.WriteLine($"tap       advice on http://{tap.AdminEndpoint}/api/v1/advice, or by: otlptap advice list --endpoint {tap.AdminEndpoint}");
        output.WriteLine("tap       withdraws advice 2 s after the matter is over, so that nobody waits here; by default it takes minutes");
        output.WriteLine();

        using var channel = GrpcChannel.ForAddress($"http://{tap.GrpcEndpoint}");
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        var agent = new DemoAgent(channel, http, new Uri($"http://{tap.HttpEndpoint}"), new Uri($"http://{tap.AdminEndpoint}"), time);
        var show = new DemoShow(agent, tap.Advice, upstream, output, time);
        try
        {
            await show.PlayAsync(runs, cancellation);
            if (stays)
            {
                await show.GoOnAsync(cancellation);
            }
        }
        catch (Exception stopped) when (stays && cancellation.IsCancellationRequested && stopped is (RpcException or HttpRequestException or OperationCanceledException))
        {
            // Whatever it was about to send.
        }
        catch (Exception refused) when (refused is RpcException or HttpRequestException)
        {
            output.WriteLine($"agent     run {show.Runs + 1}: the tap did not take what was sent: {refused.Message}");
            return 1;
        }

        // Stopping drains what is in flight and writes the cases that are due.
        await tap.StopAsync();
        show.TellTagged();
        output.WriteLine();
        var cases = WriteCases(directory, show.Traces, output);
        output.WriteLine();
        if (!stays)
        {
            output.WriteLine("With --stay it goes on until Ctrl+C: look at the addresses above meanwhile.");
        }

        output.WriteLine($"{show.Runs} runs, {upstream.SpanCount} spans upstream, {cases} cases.");
        return 0;
    }

    private static int WriteCases(string directory, IReadOnlySet<string> traces, TextWriter output)
    {
        var cases = new CaseStore(directory, TimeProvider.System).List().Select(listing => listing.Path).Where(path => IsOf(path, traces)).ToList();
        foreach (var file in cases.SelectMany(path => Directory.EnumerateFiles(path, "*.json").Order(StringComparer.Ordinal)))
        {
            // As the folder was named: the store knows it by its whole path.
            output.WriteLine($"case      {Path.Combine(directory, Path.GetRelativePath(Path.GetFullPath(directory), file))}");
        }

        return cases.Count;
    }

    // A case of an earlier demo counts these runs as further occurrences.
    private static bool IsOf(string casePath, IEnumerable<string> traces) =>
        CaseStore.Read(casePath, out _) is { } document
        && new[] { document.TraceId.ToString(), CaseStore.ReadSeen(casePath)?.LastTrace }.Concat(document.Traces.Select(trace => trace.TraceId.ToString())).Intersect(traces).Any();

    private static TapOptions Options(int upstreamPort, string directory)
    {
        // Port 0: the demo runs beside a tap that is already there. Nobody waits for a cool-down of a minute.
        var text = $$"""
            receivers: { otlp: { protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: "127.0.0.1:0" } } } }
            processors:
              tap:
                corpus: { directory: '{{directory.Replace("'", "''", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal)}}' }
                advice: { fallbacks: { tools: { track_parcel: ask_carrier } }, policies: [{ name: tool-failing, cool_down: 2s }] }
            exporters: { otlp_grpc/upstream: { endpoint: "127.0.0.1:{{upstreamPort}}", tls: { insecure: true } } }
            service:
              admin: { endpoint: "127.0.0.1:0" }
              pipelines:
                traces: { receivers: [otlp], processors: [tap], exporters: [otlp_grpc/upstream] }
            """;
        var loaded = new ConfigurationLoader().LoadText([("demo", text)]);
        return loaded.Options ?? throw new InvalidOperationException($"The demo's own configuration is refused: {string.Join("; ", loaded.Problems)}");
    }

    private static async Task<WebApplication> StartUpstreamAsync(DemoUpstream upstream, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(upstream);
        var server = builder.Build();
        server.UseRouting();
        server.MapGrpcService<DemoUpstream>();
        await server.StartAsync(cancellation);
        return server;
    }
}
