using System.Globalization;
using System.Text;
using OtlpTap.Benchmarks.EndToEnd;
using OtlpTap.Benchmarks.Machine;

namespace OtlpTap.Benchmarks.Cost;

/// <summary>Each case in turn, all builds of it at once before one sink, in rounds A, B, A, B.</summary>
/// <param name="builds">Name and program; the first one is what the others are compared with.</param>
/// <param name="share">Of the usual number of requests.</param>
/// <param name="isCounting">Counts instructions; otherwise processor time is read.</param>
internal sealed class CostRun(
    IReadOnlyList<(string Name, string Program)> builds, IReadOnlyList<CostCase> cases, int rounds, double share, bool isCounting, TextWriter progress)
{
    private const int WarmUpRuns = 3;

    public async Task<string> RunAsync(CancellationToken cancellation)
    {
        var table = new StringBuilder();
        table.Append("| case | ").AppendJoin(" | ", builds.Select((build, i) => i == 0 ? build.Name : $"{build.Name} | ratio")).Append(" | ")
            .AppendJoin(" | ", builds.Select(build => $"{build.Name}, B")).Append(" |\n");
        table.Append("| --- |").Insert(table.Length, " ---: |", (3 * builds.Count) - 1).Append('\n');
        using var folder = new TemporaryFolder();
        await using var sink = await SinkProcess.StartAsync(cancellation);
        foreach (var cost in cases)
        {
            var row = Row(cost, await MeasureAsync(cost, sink, folder, cancellation));
            progress.Write(row);
            table.Append(row);
        }

        return table.ToString();
    }

    private async Task<List<CostMeasurement>> MeasureAsync(CostCase cost, SinkProcess sink, TemporaryFolder folder, CancellationToken cancellation)
    {
        var body = folder.Combine("body.bin");
        await File.WriteAllBytesAsync(body, cost.Body(), cancellation);
        var h2Load = new H2Load(H2Load.Find() ?? throw new InvalidOperationException("h2load is not installed (Debian: nghttp2-client)"), folder.Path);
        var requests = cost.Requests(share);
        var running = new List<RunningCost>();
        var measured = new List<CostMeasurement>();
        try
        {
            foreach (var (name, program) in builds)
            {
                var profile = isCounting ? folder.Combine($"{name}-{cost.Name}.callgrind") : null;
                var tap = new CostTap(name, program, cost, profile);
                try
                {
                    running.Add(new RunningCost(await RunningProxy.StartAsync(tap, sink.Port, folder.Path, cancellation), profile));
                }
                catch (InvalidOperationException failure)
                {
                    // An older build may not have what the case needs.
                    progress.WriteLine($"{name} is left out of {cost.Name}: {failure.Message}");
                }
            }

            foreach (var run in running)
            {
                for (var warmUp = 0; warmUp < WarmUpRuns; warmUp++)
                {
                    await LoadAsync(run, cancellation);
                }
            }

            for (var round = 0; round < rounds; round++)
            {
                foreach (var run in running)
                {
                    measured.Add(await MeasureOnceAsync(run));
                }
            }
        }
        finally
        {
            foreach (var run in running)
            {
                await run.Proxy.DisposeAsync();
            }
        }

        return measured;

        async Task<CostMeasurement> MeasureOnceAsync(RunningCost run)
        {
            // Asking costs something as well: as much as the first of two questions shows to the second.
            var asked = await run.Proxy.AllocatedBytesAsync(cancellation);
            var before = await run.Proxy.AllocatedBytesAsync(cancellation);
            var work = await run.MeterAsync(() => LoadAsync(run, cancellation), cancellation);
            var after = await run.Proxy.AllocatedBytesAsync(cancellation);
            return new CostMeasurement(run.Proxy.Name, work / requests, (double)(after - before - (before - asked))! / requests);
        }

        async Task LoadAsync(RunningCost run, CancellationToken token)
        {
            var arrivedBefore = await sink.CountAsync(token);
            var expected = TimeSpan.FromMilliseconds(isCounting ? 20.0 * requests : requests);
            var report = await h2Load.RunAsync(run.Proxy.Port, cost.Load, body, requests, expected, token, cost.Head);
            var arrived = await sink.CountAsync(token) - arrivedBefore;
            if (report.Succeeded != requests || arrived.MessageBytes < (long)requests * cost.ArrivingBytesMin)
            {
                throw new InvalidOperationException(
                    $"{run.Proxy.Name}, {cost.Name}: sent {requests} requests; {report.Succeeded} answered, {arrived.MessageBytes} bytes arrived in {arrived.Requests} calls");
            }
        }
    }

    private string Row(CostCase cost, List<CostMeasurement> measured)
    {
        var row = new StringBuilder($"| {cost.Name} |");
        var reference = double.NaN;
        foreach (var (name, _) in builds)
        {
            double[] work = [.. measured.Where(m => m.Build == name).Select(m => m.Work)];
            // What disturbs a count only adds to it; processor time goes both ways.
            var figure = isCounting && work.Length > 0 ? work.Min() : Statistics.Median(work);
            if (work.Length == 0)
            {
                row.Append(name == builds[0].Name ? " |" : " | |");
                continue;
            }

            row.Append(CultureInfo.InvariantCulture, $" {Format(figure)} ({Format(work.Min())}-{Format(work.Max())}) |");
            if (name == builds[0].Name)
            {
                reference = figure;
            }
            else
            {
                row.Append(CultureInfo.InvariantCulture, $" {figure / reference:0.000} |");
            }
        }

        foreach (var (name, _) in builds)
        {
            var bytes = Statistics.Median(measured.Where(m => m.Build == name).Select(m => m.AllocatedBytes));
            row.Append(CultureInfo.InvariantCulture, $" {(double.IsNaN(bytes) ? "" : Math.Round(bytes))} |");
        }

        return row.Append('\n').ToString();
    }

    private string Format(double work) => work.ToString(isCounting ? "0" : "0.0", CultureInfo.InvariantCulture);

    private sealed record RunningCost(RunningProxy Proxy, string? Profile)
    {
        public async Task<double> MeterAsync(Func<Task> load, CancellationToken cancellation)
        {
            if (Profile is not null)
            {
                await Callgrind.ZeroAsync(Proxy.ProcessId, cancellation);
                await load();
                return await Callgrind.CountAsync(Proxy.ProcessId, Profile, cancellation);
            }

            var before = ProcessCpu.Read(Proxy.ProcessId);
            await load();
            return ProcessCpu.Read(Proxy.ProcessId).NanosecondsSince(before) / 1000;
        }
    }
}
