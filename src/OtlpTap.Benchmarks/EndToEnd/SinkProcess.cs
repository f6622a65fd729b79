using System.Diagnostics;
using System.Globalization;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>What the sink has counted so far.</summary>
/// <param name="Requests">gRPC calls.</param>
/// <param name="MessageBytes">Bytes of their messages, without frame headers: equal to what was sent, also where a proxy merges calls.</param>
internal readonly record struct SinkCount(long Requests, long MessageBytes)
{
    public static SinkCount operator -(SinkCount later, SinkCount earlier) =>
        new(later.Requests - earlier.Requests, later.MessageBytes - earlier.MessageBytes);
}

/// <summary>The harness's side of the sink: one line asked, one line answered.</summary>
internal sealed class SinkProcess : IAsyncDisposable
{
    private readonly Process _process;

    private SinkProcess(Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public int Id => _process.Id;

    public static async Task<SinkProcess> StartAsync(CancellationToken cancellation)
    {
        var port = Loopback.FreePort();
        var described = ChildProcess.Describe("dotnet", [typeof(SinkProcess).Assembly.Location, "sink", port.ToString(CultureInfo.InvariantCulture)]);
        described.RedirectStandardError = false;
        var sink = new SinkProcess(Process.Start(described)!, port);
        await sink.ReadAsync("listening", cancellation);
        return sink;
    }

    public async Task<SinkCount> CountAsync(CancellationToken cancellation)
    {
        var fields = (await AskAsync("count", "count ", cancellation)).Split(' ');
        var requests = long.Parse(fields[0], CultureInfo.InvariantCulture);
        return new SinkCount(requests, long.Parse(fields[1], CultureInfo.InvariantCulture) - (ProxyCheck.FrameHeaderLength * requests));
    }

    /// <summary>Keeps the whole body of the next call.</summary>
    public async Task CaptureAsync(CancellationToken cancellation) => await AskAsync("capture", "capturing", cancellation);

    /// <summary>Hash and length of the body kept, as <see cref="Sink.SinkCounters.Describe"/> writes them.</summary>
    public async Task<string> CapturedAsync(CancellationToken cancellation) => await AskAsync("captured", "captured ", cancellation);

    public async ValueTask DisposeAsync() => await ChildProcess.StopAsync(_process);

    private async Task<string> AskAsync(string command, string answer, CancellationToken cancellation)
    {
        await _process.StandardInput.WriteLineAsync(command.AsMemory(), cancellation);
        await _process.StandardInput.FlushAsync(cancellation);
        return await ReadAsync(answer, cancellation);
    }

    private async Task<string> ReadAsync(string expected, CancellationToken cancellation)
    {
        var line = await _process.StandardOutput.ReadLineAsync(cancellation);
        return line is not null && line.StartsWith(expected, StringComparison.Ordinal)
            ? line[expected.Length..]
            : throw new InvalidOperationException($"The sink answered \"{line}\" where \"{expected}\" was expected.");
    }
}
