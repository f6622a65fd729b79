using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.EndToEnd;

/// <summary>
/// All proxies at once, on ports of their own, before one sink; each load in rounds A, B, C, A, B, C, so that a slow
/// minute of the machine falls on all of them.
/// </summary>
internal sealed class EndToEndRun(EndToEndOptions options, IReadOnlyList<ProxyUnderTest> proxies, IReadOnlyList<string> references, TextWriter progress)
{
    public async Task<EndToEndReport> RunAsync(CancellationToken cancellation)
    {
        var report = new EndToEndReport(references);
        if (H2Load.Find() is not { } program)
        {
            report.Note("h2load is not installed (Debian: nghttp2-client): nothing was measured");
            return report;
        }

        using var folder = new TemporaryFolder();
        await using var sink = await SinkProcess.StartAsync(cancellation);
        var running = new List<RunningProxy> { RunningProxy.ToSink(sink) };
        try
        {
            foreach (var proxy in proxies)
            {
                await StartAsync(proxy, sink, folder, running, report, cancellation);
            }

            foreach (var load in options.Cases)
            {
                progress.WriteLine(load.Title);
                var runner = new LoadRunner(new H2Load(program, folder.Path), sink, load, options, folder);
                report.Add(load, runner.RequestBytes, await MeasureAsync(runner, load, running, report, cancellation));
            }
        }
        finally
        {
            foreach (var proxy in running)
            {
                await proxy.DisposeAsync();
            }
        }

        return report;
    }

    private static async Task StartAsync(
        ProxyUnderTest proxy, SinkProcess sink, TemporaryFolder folder, List<RunningProxy> running, EndToEndReport report, CancellationToken cancellation)
    {
        if (proxy.Missing is { } reason)
        {
            report.Note($"{proxy.Name} is left out: {reason}");
            return;
        }

        try
        {
            running.Add(await RunningProxy.StartAsync(proxy, sink.Port, folder.Path, cancellation));
        }
        catch (InvalidOperationException failure)
        {
            report.Fail($"{proxy.Name} does not start: {failure.Message}");
        }
    }

    private async Task<List<Measurement>> MeasureAsync(
        LoadRunner runner, LoadCase load, List<RunningProxy> running, EndToEndReport report, CancellationToken cancellation)
    {
        var measured = new List<Measurement>();
        var taking = new List<RunningProxy>();
        foreach (var proxy in running)
        {
            if (await TryAsync(proxy, () => runner.FindProblemAsync(proxy, cancellation)) is { } problem)
            {
                report.Fail($"{proxy.Name} fails and is not measured ({load.Title}): {problem}");
            }
            else
            {
                taking.Add(proxy);
            }
        }

        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var proxy in taking.ToArray())
            {
                var problem = await TryAsync(proxy, async () =>
                {
                    measured.Add(await runner.MeasureAsync(proxy, cancellation));
                    return null;
                });
                if (problem is not null)
                {
                    report.Fail($"{proxy.Name} failed under load ({load.Title}): {problem}");
                    taking.Remove(proxy);
                    measured.RemoveAll(m => m.Proxy == proxy.Name);
                }
            }

            progress.WriteLine($"  round {round} of {options.Rounds}");
        }

        return measured;
    }

    // A proxy that breaks must not end the comparison of the others.
    private static async Task<string?> TryAsync(RunningProxy proxy, Func<Task<string?>> step)
    {
        try
        {
            return await step();
        }
        catch (InvalidOperationException failure)
        {
            return failure.Message;
        }
        catch (Exception gone) when (gone is IOException or HttpRequestException)
        {
            return $"process {proxy.ProcessId} does not answer: {gone.Message}";
        }
    }
}
