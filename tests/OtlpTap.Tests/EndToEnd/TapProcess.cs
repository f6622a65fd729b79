using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using OtlpTap.Otlp;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>The tap as a process of its own, with what it prints, and signals for it.</summary>
internal sealed partial class TapProcess : IAsyncDisposable
{
    private const int SigHup = 1;
    private const int SigInt = 2;
    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly HttpClient _http = new();
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();
    private ExportClient? _client;

    private TapProcess(Process process) => _process = process;

    /// <summary>What it has printed so far.</summary>
    public string Output => TextOf(_output);

    public string Error => TextOf(_error);

    public bool HasExited => _process.HasExited;

    public string GrpcEndpoint => EndpointLine().Match(Output).Groups["endpoint"].Value;

    public string HttpEndpoint => HttpLine().Match(Output).Groups["endpoint"].Value;

    /// <summary>The most memory that it has had, in bytes.</summary>
    public long PeakMemoryBytes => MemoryBytes("VmHWM");

    public long ResidentBytes => MemoryBytes("VmRSS");

    /// <summary>Names of the files that are mapped into its memory, libraries among them.</summary>
    public IReadOnlyList<string> MappedFiles => [.. File.ReadLines($"/proc/{_process.Id}/maps").Select(line => Path.GetFileName(line)).Distinct()];

    public string AdminEndpoint => AdminLine().Match(Output).Groups["endpoint"].Value;

    public static TapProcess Start(TapProgram program, IEnumerable<string> arguments, string? directory = null, params IEnumerable<(string Name, string Value)> environment)
    {
        var process = new Process { StartInfo = program.Start(arguments, directory, environment) };
        var tap = new TapProcess(process);
        process.OutputDataReceived += (_, line) => Append(tap._output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(tap._error, line.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return tap;
    }

    /// <summary>Started, and listening.</summary>
    public static async Task<TapProcess> ListeningAsync(TapProgram program, IEnumerable<string> arguments, string? directory = null, params IEnumerable<(string Name, string Value)> environment)
    {
        var tap = Start(program, arguments, directory, environment);
        await tap.PrintsAsync("agents need ");
        return tap;
    }

    public async Task PrintsAsync(string text)
    {
        await Deadline.UntilAsync(() => Output.Contains(text, StringComparison.Ordinal) || HasExited, $"the tap prints `{text}`");
        Assert.True(Output.Contains(text, StringComparison.Ordinal), $"the tap ended before it printed `{text}`:\n{Output}\n{Error}");
    }

    /// <summary>One trace export as an agent sends it; an error status is an <c>RpcException</c>.</summary>
    public Task<byte[]> ExportAsync(byte[] traces) => (_client ??= new ExportClient(GrpcEndpoint)).Export(Signal.Traces, traces).ResponseAsync;

    public void Terminate() => Assert.Equal(0, Kill(_process.Id, SigTerm));

    /// <summary>SIGINT: what Ctrl-C sends.</summary>
    public void Interrupt() => Assert.Equal(0, Kill(_process.Id, SigInt));

    /// <summary>SIGHUP: to read its configuration again.</summary>
    public void HangUp() => Assert.Equal(0, Kill(_process.Id, SigHup));

    /// <summary>SIGKILL: it has no say in it.</summary>
    public void Kill() => _process.Kill();

    /// <summary>A signal in the same instant as the one before belongs to it, so one may not be enough.</summary>
    public async Task TerminateUntilItEndsAsync()
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var attempt = 0; attempt < 20 && !HasExited; attempt++)
        {
            _ = Kill(_process.Id, SigTerm);
            await poll.WaitForNextTickAsync();
        }
    }

    /// <summary>All that it printed is there afterwards.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync(Deadline.Token());
        return _process.ExitCode;
    }

    public Task<string> GetAsync(string path) => _http.GetStringAsync(new Uri($"http://{AdminEndpoint}{path}"));

    /// <summary>The sum of a family's series, as a scrape shows them.</summary>
    public async Task<double> MetricAsync(string family) =>
        (await GetAsync("/metrics")).Split('\n')
            .Where(line => line.StartsWith(family + " ", StringComparison.Ordinal) || line.StartsWith(family + "{", StringComparison.Ordinal))
            .Sum(line => double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture));

    public async Task MetricRisesAsync(string family)
    {
        var deadline = Stopwatch.GetTimestamp();
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await MetricAsync(family) == 0)
        {
            Assert.True(Stopwatch.GetElapsedTime(deadline) < Deadline.Span, $"waited in vain until {family} rises");
            await poll.WaitForNextTickAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        _http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    // proc(5), /proc/pid/status: "VmHWM:	   10364 kB"
    private long MemoryBytes(string field) => 1024 * long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith(field + ":", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        CultureInfo.InvariantCulture);

    private static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.Append(line).Append('\n');
            }
        }
    }

    private static string TextOf(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    [GeneratedRegex(@"OTLP/gRPC +(?<endpoint>\S+)")]
    private static partial Regex EndpointLine();

    [GeneratedRegex(@"OTLP/HTTP +(?<endpoint>\S+)")]
    private static partial Regex HttpLine();

    [GeneratedRegex(@"admin +http://(?<endpoint>[^/]+)/metrics")]
    private static partial Regex AdminLine();
}
