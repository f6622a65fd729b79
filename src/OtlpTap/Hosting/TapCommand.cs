using Microsoft.Extensions.Logging.Console;
using OtlpTap.Configuration;
using OtlpTap.Forward;
using OtlpTap.Otlp;

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
                await using var tap = TapHost.Create(options, TimeProvider.System, logs);
                await tap.StartAsync(stop.Token);
                await RunUntilStoppedAsync(options, tap, configFiles, stop.Token);
            }

            Console.WriteLine("otlptap: stopped");
            return 0;
        }
        catch (ListenException refused)
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
        yield return $"  OTLP/gRPC   {tap.GrpcEndpoint}";
        yield return $"  metrics     http://{tap.AdminEndpoint}/metrics, health at /healthz and /readyz";
        yield return $"  cases       {Path.GetFullPath(options.Processor.CorpusDirectory)}";
        yield return $"  rules       {options.Rules.Count}";
        foreach (var signal in Enum.GetValues<Signal>())
        {
            var name = signal.ToString().ToLowerInvariant();
            yield return options.PipelineOf(options.Receivers[0].Id, signal) switch
            {
                null => $"  {name,-10}  not received: no pipeline",
                { Primary: { } exporter } pipeline => $"  {name,-10}  to {PlaceOf(exporter)} ({exporter.Id}){string.Concat(pipeline.Others.Select(other => $", beside it to {PlaceOf(other)} ({other.Id})"))}",
                _ when signal == Signal.Metrics => $"  {name,-10}  no upstream configured: acknowledged and let go",
                _ => $"  {name,-10}  no upstream configured: acknowledged once they are in the recorder",
            };
        }

        yield return $"  agents need OTEL_EXPORTER_OTLP_ENDPOINT=http://{tap.GrpcEndpoint} (and OTEL_EXPORTER_OTLP_PROTOCOL=grpc where their SDK's default is HTTP)";
    }

    private static string PlaceOf(ExporterOptions exporter) => exporter switch
    {
        OtlpGrpcExporterOptions grpc => grpc.Forward.Endpoint,
        OtlpHttpExporterOptions http => http.Forward.Endpoint,
        FileExporterOptions file => file.Path,
        _ => "the console",
    };

    private static ILoggerFactory CreateLogs() => LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Warning)
        .AddFilter("OtlpTap", LogLevel.Information)

        // Every refused request would be a line: they are counted instead, and the sender gets the reason.
        .AddFilter("Grpc", LogLevel.Critical)

        // A start that fails is told on standard error, in one line instead of a stack trace.
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.Critical)
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-dd HH:mm:ss ";
            console.ColorBehavior = LoggerColorBehavior.Default;
        }));
}
