using System.CommandLine;
using System.Globalization;
using System.Text;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;
using OtlpTap.Benchmarks.Payloads;
using OtlpTap.Benchmarks.Proxies;

namespace OtlpTap.Benchmarks.StartUp;

/// <summary><c>native</c>: how soon after its start the tap serves, and what it holds while idle.</summary>
internal static class StartUpCommand
{
    // Long enough for what runs once after the start to be over; an idle process changes no more after it.
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(0.5);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private static readonly Option<string> Binary = new("--binary") { Description = "The native binary; without it, this build on the runtime's compiler." };
    private static readonly Option<int> Runs = new("--runs") { Description = "Starts (9).", DefaultValueFactory = _ => 9 };
    private static readonly Option<string> Output = new("--output") { Description = "A Markdown file to write as well." };

    private readonly record struct Start(double ListeningMilliseconds, double AnsweredMilliseconds, double IdleBytes, double AfterCallBytes);

    public static Command Create()
    {
        var command = new Command("native", "Measures start-up time and idle memory of the tap.") { Binary, Runs, Output };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        var tap = new Tap("tap", parsed.GetValue(Binary));
        if (tap.Missing is { } reason)
        {
            Console.Error.WriteLine(reason);
            return 1;
        }

        using var folder = new TemporaryFolder();
        await using var sink = await SinkProcess.StartAsync(cancellation);
        var message = AgentTraces.Frame(AgentTraces.Request(1))[ProxyCheck.FrameHeaderLength..];

        // The client's own first call is slow too; it must not be counted as the tap's.
        await ProxyCheck.CallAsync(sink.Port, message, cancellation);
        var starts = new List<Start>();
        for (var run = 0; run < parsed.GetValue(Runs); run++)
        {
            starts.Add(await MeasureAsync(tap, sink.Port, folder, message, cancellation));
        }

        await ResultFile.WriteAsync("Start-up and idle memory", Describe(starts), parsed.GetValue(Output), cancellation);
        return 0;
    }

    private static async Task<Start> MeasureAsync(Tap tap, int sinkPort, TemporaryFolder folder, byte[] message, CancellationToken cancellation)
    {
        var port = Loopback.FreePort();
        var time = TimeProvider.System;
        var started = time.GetTimestamp();
        await using var process = tap.Start(port, sinkPort, folder.Path);
        while (!await Loopback.AcceptsAsync(port, cancellation))
        {
            if (process.HasExited || time.GetElapsedTime(started) > Deadline)
            {
                throw new InvalidOperationException($"The tap does not listen: {process.LastWords}");
            }

            await Task.Delay(PollInterval, cancellation);
        }

        var listening = time.GetElapsedTime(started);
        await Task.Delay(Settle, cancellation);
        var idle = ProcessCpu.ResidentBytes(process.Id);
        var calling = time.GetTimestamp();
        await ProxyCheck.CallAsync(port, message, cancellation);
        var answered = listening + time.GetElapsedTime(calling);
        await Task.Delay(Settle, cancellation);
        return new Start(listening.TotalMilliseconds, answered.TotalMilliseconds, idle, ProcessCpu.ResidentBytes(process.Id));
    }

    private static string Describe(List<Start> starts)
    {
        var table = new StringBuilder("| figure | median | min-max |\n| --- | ---: | ---: |\n");
        Append("listening, ms after the start of the process", s => s.ListeningMilliseconds);
        Append("first call answered, ms after the start, without the pause between", s => s.AnsweredMilliseconds);
        Append("RSS idle, MB", s => s.IdleBytes / 1e6);
        Append("RSS after one call, MB", s => s.AfterCallBytes / 1e6);
        return table.ToString();

        void Append(string name, Func<Start, double> figure) => table.Append(
            CultureInfo.InvariantCulture,
            $"| {name} | {Statistics.Median(starts.Select(figure)):0.0} | {starts.Min(figure):0.0}-{starts.Max(figure):0.0} |\n");
    }
}
