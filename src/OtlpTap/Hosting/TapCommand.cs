using System.Net;
using Microsoft.Extensions.Logging.Console;
using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Forward.Spool;
using OtlpTap.Otlp;
using OtlpTap.Recorder;

namespace OtlpTap.Hosting;

/// <summary>Runs the tap until a signal ends it: load the configuration, open the ports, say where, drain at the end.</summary>
internal static class TapCommand
{
    private const int Refused = 1;

    /// <returns>0 after a shutdown in order, 1 when the configuration or a port is refused, with the reasons on standard error.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> configFiles, CancellationToken cancellation)
    {
        var loaded = new ConfigurationLoader().Load(configFiles);
        foreach (var problem in loaded.Problems)
        {
            await Console.Error.WriteLineAsync(problem.ToString());
        }

        if (loaded.Options is not { } options)
        {
            return Refused;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var signals = new StopSignals(stop, TimeProvider.System);

        try
        {
            // The log is written by a thread of its own: closed first, so that "stopped" is the last line.
            using (var logs = CreateLogs())
            {
                await using var tap = TapHost.Create(options, TimeProvider.System, logs, load: () => new ConfigurationLoader().Load(configFiles));
                using var reload = new ReloadSignal(tap, stop.Token);
                await tap.StartAsync(stop.Token);
                await RunUntilStoppedAsync(options, tap, configFiles, stop.Token);
            }

            Console.WriteLine("otlptap: stopped");
            return 0;
        }
        catch (Exception refused) when (refused is ListenException or SpoolException or RecorderException)
        {
            await Console.Error.WriteLineAsync($"otlptap: {refused.Message}");
            return Refused;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Told to stop before it had started: nothing was taken in, nothing is left to do.
            return 0;
        }
    }

    private static async Task RunUntilStoppedAsync(TapOptions options, TapHost tap, IReadOnlyList<string> configFiles, CancellationToken stop)
    {
        // Starting leaves a dozen megabytes of garbage (configuration, rules being compiled), which an idle tap would
        // hold on to for as long as nothing else fills the youngest generation.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

        foreach (var line in StartLines(options, tap, configFiles))
        {
            Console.WriteLine(line);
        }

        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        Console.WriteLine($"otlptap: going down: draining for at most {options.Service.ShutdownDeadline.TotalSeconds:0.#} s; a second signal ends it at once");
        await tap.StopAsync();
    }

    /// <summary>Where it listens, where everything goes, and the one variable that an agent needs.</summary>
    private static IEnumerable<string> StartLines(TapOptions options, TapHost tap, IReadOnlyList<string> configFiles)
    {
        yield return $"otlptap {Cli.VersionCommand.Version}, configuration: {(configFiles.Count == 0 ? "built in" : string.Join(", ", configFiles))}";
        foreach (var receiver in options.Receivers)
        {
            var id = options.Receivers.Length > 1 ? $" ({receiver.Id})" : "";
            if (receiver.Grpc is { } grpcListener)
            {
                yield return $"  OTLP/gRPC   {tap.Listeners.BoundTo(ListenerName.Grpc(receiver.Id))}{With(grpcListener)}{id}";
            }

            if (receiver.Http is { } httpListener)
            {
                yield return $"  OTLP/HTTP   {tap.Listeners.BoundTo(ListenerName.Http(receiver.Id))}{With(httpListener)}{id}";
            }
        }

        // The first of each protocol that has a port, which is the one that the host names.
        var grpcUrl = Url(tap.GrpcEndpoint, options.Receivers.Select(receiver => receiver.Grpc).OfType<ListenerOptions>().FirstOrDefault(listener => listener.Endpoint.UnixPath is null));
        var http = options.Receivers.Select(receiver => receiver.Http).OfType<HttpReceiverOptions>().FirstOrDefault(listener => listener.Endpoint.UnixPath is null);
        var httpUrl = Url(tap.HttpEndpoint, http);
        if (httpUrl is not null && options.Processor.Feedback.Explicit.IsEnabled)
        {
            yield return $"  feedback    {httpUrl}{http!.Paths.Feedback}";
        }

        var admin = Url(tap.AdminEndpoint, options.Service.Admin) ?? tap.Listeners.BoundTo(ListenerName.Admin)?.ToString();
        yield return $"  admin       {admin}/metrics, health at /healthz and /readyz";
        yield return $"  API         {admin}/api/v1/openapi.json: advice, health of agents, cases; MCP at /mcp";
        yield return $"  cases       {Path.GetFullPath(options.Processor.CorpusDirectory)}";
        if (options.Processor.RecorderDirectory.Length > 0)
        {
            yield return $"  recorder    {Path.GetFullPath(options.Processor.RecorderDirectory)}";
        }

        yield return $"  rules       {options.Rules.Count}";
        foreach (var signal in Enum.GetValues<Signal>())
        {
            var name = signal.ToString().ToLowerInvariant();
            var pipelines = options.Pipelines.Where(pipeline => pipeline.Signal == signal).ToList();
            foreach (var pipeline in pipelines)
            {
                yield return $"  {(pipelines.Count > 1 ? pipeline.Id : name),-10}  {WayOf(pipeline)}";
            }

            if (pipelines.Count == 0)
            {
                yield return $"  {name,-10}  not received: no pipeline";
            }
        }

        yield return (grpcUrl, httpUrl) switch
        {
            ({ } overGrpc, { } overHttp) => $"  agents need OTEL_EXPORTER_OTLP_ENDPOINT={overHttp} with OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or {overGrpc} with grpc",
            ({ } overGrpc, null) => $"  agents need OTEL_EXPORTER_OTLP_ENDPOINT={overGrpc} and OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
            (null, { } overHttp) => $"  agents need OTEL_EXPORTER_OTLP_ENDPOINT={overHttp} and OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            _ => "  agents need the endpoint above, in the form that their SDK has for it",
        };
    }

    /// <summary>As it can be typed on this machine: every address is no address to send to. Null where there is none.</summary>
    private static string? Url(IPEndPoint bound, ListenerOptions? listener) => bound.Port == 0
        ? null
        : $"{(listener?.Tls is null ? "http" : "https")}://{(bound.Address.Equals(IPAddress.Any) || bound.Address.Equals(IPAddress.IPv6Any) ? $"localhost:{bound.Port}" : bound)}";

    private static string With(ListenerOptions listener) => (listener.Tls, listener.Authenticator) switch
    {
        (null, null) => "",
        ({ ClientCaFile: not null }, null) => " with TLS, senders show certificates",
        (not null, null) => " with TLS",
        (null, { } authenticator) => $" for senders with {authenticator.Id}",
        (not null, { } authenticator) => $" with TLS, for senders with {authenticator.Id}",
    };

    private static string WayOf(PipelineOptions pipeline) => pipeline switch
    {
        { Primary: { } exporter } => $"to {PlaceOf(exporter)} ({exporter.Id}){string.Concat(pipeline.Others.Select(other => $", beside it to {PlaceOf(other)} ({other.Id})"))}",
        { Signal: Signal.Metrics } => "no upstream configured: acknowledged and let go",
        _ => "no upstream configured: acknowledged once they are in the recorder",
    };

    private static string PlaceOf(ExporterOptions exporter) => exporter switch
    {
        OtlpGrpcExporterOptions grpc => grpc.Forward.Endpoint,
        OtlpHttpExporterOptions http => http.Forward.Endpoint is { Length: > 0 } endpoint ? endpoint : http.TracesEndpoint ?? http.LogsEndpoint ?? http.MetricsEndpoint ?? "",
        FileExporterOptions file => file.Path,
        _ => "the console",
    };

    // Put together by hand: the container that LoggerFactory.Create makes for it takes a tenth of the time until the tap listens.
    private static LoggerFactory CreateLogs()
    {
        var logs = new LoggerFactory([], new LoggerFilterOptions { MinLevel = LogLevel.Warning }
            .AddFilter("OtlpTap", LogLevel.Information)

            // Every refused request would be a line: they are counted instead, and the sender gets the reason.
            .AddFilter("Grpc", LogLevel.Critical)

            // A start that fails is told on standard error, in one line instead of a stack trace.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.Critical));

        // Added, so that it is closed with the factory and its last lines are written; one that the constructor is given is not.
        logs.AddProvider(new ConsoleLoggerProvider(new LogLines.Options(), [new LogLines(TimeProvider.System)]));
        return logs;
    }
}
