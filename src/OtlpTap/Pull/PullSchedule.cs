using OtlpTap.Metrics;

namespace OtlpTap.Pull;

/// <summary>
/// Pulls one backend's query every so often while the tap runs: each run begins where the last one that was whole ended, or as
/// far back as it may where that is longer ago. The state is in the cases' folder, so a restart goes on there.
/// </summary>
internal sealed class PullSchedule(
    PullOptions options, string directory, Func<PulledJudge> judge, IPulledCases cases, PullMetrics metrics, TimeProvider time, ILogger<PullSchedule> logger) : IPullWatch, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    public void Start() => _running = Task.Run(RunAsync);

    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _running;
    }

    public void Dispose() => _stopping.Dispose();

    public void Progressed(in PullProgress progress)
    {
        // Counted when the run is over.
    }

    public void Said(string line) => logger.Said(options.Name, line);

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(options.Interval, time);
        try
        {
            do
            {
                await PullAsync();
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException)
        {
            // The tap is going down.
        }
    }

    private async Task PullAsync()
    {
        try
        {
            var report = await PullOnceAsync(_stopping.Token);
            var progress = report.Progress;
            metrics.Ran(options.Name, report.Failed is null, progress.Traces, progress.Failing, progress.Missed, time.GetUtcNow());
            if (report.Failed is { } failed)
            {
                logger.EndedEarly(options.Name, failed.Cause);
            }
            else if (progress.Traces > 0)
            {
                logger.Pulled(options.Name, progress.Traces, progress.Failing, progress.Cases);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            metrics.Ran(options.Name, isWhole: false, 0, 0, 0, time.GetUtcNow());
            logger.EndedEarly(options.Name, exception.Message);
        }
        catch (Exception exception) when (exception is not OperationCanceledException) // the edge of the loop: the next run may do better
        {
            metrics.Ran(options.Name, isWhole: false, 0, 0, 0, time.GetUtcNow());
            logger.Failed(options.Name, exception);
        }
    }

    private async Task<PullReport> PullOnceAsync(CancellationToken cancellation)
    {
        using var state = PullState.Open(directory, options);
        var until = time.GetUtcNow() - Puller.Lag;
        return await Puller.RunAsync(options, new PullRun(judge(), cases, state, this, long.MaxValue), until - options.Since, until, time, logger, cancellation);
    }
}
