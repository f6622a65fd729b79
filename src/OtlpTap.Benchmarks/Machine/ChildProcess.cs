using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace OtlpTap.Benchmarks.Machine;

/// <summary>A program started for a measurement, stopped with it. Its output is drained; the last lines are kept to explain a failure.</summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int KeptLinesMax = 20;
    private const int SignalTerminate = 15;
    private static readonly TimeSpan GraceBeforeKill = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lastLines = new();

    private ChildProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>The end of what it printed, on one line.</summary>
    public string LastWords
    {
        get
        {
            if (_process.HasExited)
            {
                // Returns when the output has been read to its end.
                _process.WaitForExit();
            }

            return string.Join(" | ", _lastLines);
        }
    }

    public static ChildProcess Start(string program, params IEnumerable<string> arguments)
    {
        var started = Process.Start(Describe(program, arguments))!;
        var child = new ChildProcess(started);
        started.OutputDataReceived += (_, line) => child.Keep(line.Data);
        started.ErrorDataReceived += (_, line) => child.Keep(line.Data);
        started.BeginOutputReadLine();
        started.BeginErrorReadLine();
        return child;
    }

    /// <summary>Another copy of this program, with another command.</summary>
    public static ChildProcess StartSelf(params IEnumerable<string> arguments) =>
        Start("dotnet", [typeof(ChildProcess).Assembly.Location, .. arguments]);

    public static ProcessStartInfo Describe(string program, IEnumerable<string> arguments) => new(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        UseShellExecute = false,
    };

    /// <summary>Asks it to end, as an operator would; kills it, with what it started, when it does not.</summary>
    public static async Task StopAsync(Process process)
    {
        if (!process.HasExited)
        {
            _ = Signal(process.Id, SignalTerminate);
            using var grace = new CancellationTokenSource(GraceBeforeKill);
            try
            {
                await process.WaitForExitAsync(grace.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        process.Dispose();
    }

    public async ValueTask DisposeAsync() => await StopAsync(_process);

    private void Keep(string? line)
    {
        if (string.IsNullOrWhiteSpace(line))
        {
            return;
        }

        _lastLines.Enqueue(line.Trim());
        if (_lastLines.Count > KeptLinesMax)
        {
            _lastLines.TryDequeue(out _);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
