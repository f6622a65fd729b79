using System.CommandLine;
using BenchmarkDotNet.Running;
using OtlpTap.Benchmarks.Cost;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Micro;
using OtlpTap.Benchmarks.Proxies;
using OtlpTap.Benchmarks.Recording;
using OtlpTap.Benchmarks.Sink;
using OtlpTap.Benchmarks.StartUp;
using OtlpTap.Benchmarks.Steady;
using OtlpTap.Benchmarks.Transport;

namespace OtlpTap.Benchmarks;

internal static class Program
{
    // Stopping several servers takes a moment; what is left after that is killed with this process.
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(20);

    private static async Task<int> Main(string[] arguments)
    {
        var root = new RootCommand("Measures OtlpTap.") { EndToEndCommand.Create(), TeeCommand.Create(), AgentsCommand.Create(), StartUpCommand.Create(), SteadyCommand.Create(), TransportCommand.Create(), CostCommand.Create(), RecorderCommand.Create(), Micro(), Sink(), Yarp() };
        return await root.Parse(arguments).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = StopDeadline });
    }

    private static Command Micro()
    {
        var command = new Command("micro", "Runs BenchmarkDotNet's classes; what follows goes to it, such as --filter *.") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(parsed => { BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. parsed.UnmatchedTokens], MicroConfig.Create()); });
        return command;
    }

    private static Command Sink()
    {
        var port = new Argument<int>("port");
        var command = new Command("sink", "The upstream of e2e, as a process of its own.") { port };
        command.SetAction(parsed => SinkServer.Run(parsed.GetValue(port)));
        return command;
    }

    private static Command Yarp()
    {
        var port = new Argument<int>("port");
        var upstream = new Argument<int>("upstream-port");
        var command = new Command("yarp", "The YARP row of e2e, as a process of its own.") { port, upstream };
        command.SetAction((parsed, cancellation) => YarpForwarder.RunAsync(parsed.GetValue(port), parsed.GetValue(upstream), cancellation));
        return command;
    }
}
