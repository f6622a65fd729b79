using System.Diagnostics;
using System.Globalization;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>
/// Drives a port with h2load. The number of requests is fixed, not the time: a timed run of h2load drops what is in
/// flight at its end, and then nothing can be checked against the sink's count.
/// h2load takes HTTP 200 for success and never looks at <c>grpc-status</c>; that is checked elsewhere.
/// </summary>
internal sealed class H2Load(string program, string folder)
{
    private const int SlowdownMax = 10;
    private static readonly TimeSpan ShortestDeadline = TimeSpan.FromSeconds(15);

    public static string? Find() => Programs.Find("h2load");

    /// <param name="port">On loopback.</param>
    /// <param name="load">Connections and streams.</param>
    /// <param name="frameFile">The request's body: over gRPC, frame header and message.</param>
    /// <param name="requests">How often it is sent.</param>
    /// <param name="expected">How long that should take. Throws <see cref="InvalidOperationException"/> when it takes many times that.</param>
    /// <param name="head">What stands above the body; gRPC's for traces when left out.</param>
    public async Task<H2LoadReport> RunAsync(
        int port, LoadCase load, string frameFile, long requests, TimeSpan expected, CancellationToken cancellation, RequestHead? head = null)
    {
        head ??= RequestHead.Grpc;
        var limit = ShortestDeadline + (SlowdownMax * expected);
        var log = Path.Combine(folder, "latencies.log");
        File.Delete(log);
        string[] arguments =
        [
            "-n", requests.ToString(CultureInfo.InvariantCulture),
            "-c", load.Connections.ToString(CultureInfo.InvariantCulture),
            "-m", load.Streams.ToString(CultureInfo.InvariantCulture),
            "-d", frameFile,
            .. head.Arguments,
            "--log-file", log,
            $"http://127.0.0.1:{port}{head.Path}",
        ];
        using var process = Process.Start(ChildProcess.Describe(program, arguments))!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(limit);
        try
        {
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            var output = await process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return H2LoadReport.TryParse(output, File.ReadLines(log)) ?? throw new InvalidOperationException($"h2load: {await errors}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new InvalidOperationException($"h2load did not finish {requests} requests in {limit.TotalSeconds:0} s");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
