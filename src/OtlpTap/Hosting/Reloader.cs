using OtlpTap.Configuration;
using OtlpTap.Forward.Spool;
using OtlpTap.Metrics;

namespace OtlpTap.Hosting;

/// <summary>What came of reading the configuration again, in lines for a person.</summary>
internal sealed record ReloadResult(bool IsApplied, IReadOnlyList<string> Lines);

/// <summary>
/// Reads the configuration again when told to (SIGHUP, <c>otlptap reload</c>), one time after the other. What is invalid,
/// or cannot be done, changes nothing: what runs goes on, and the reason is logged, counted and given to who asked.
/// </summary>
/// <param name="load">Reads the files that the tap was started with.</param>
/// <param name="apply">Puts a valid configuration in force; what of it waits for the next start, as lines.</param>
internal sealed class Reloader(
    Func<LoadedConfiguration> load, Func<TapOptions, Task<IReadOnlyList<string>>> apply, ConfigurationMetrics metrics, TimeProvider time, ILogger<Reloader> log) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1, 1);
    private bool _hasEnded; // under _one

    public async Task<ReloadResult> ReloadAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            return _hasEnded ? new ReloadResult(false, ["the tap is going down"]) : await ReloadAsync();
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Ends when what is being applied is applied; nothing is from then on.</summary>
    public async Task EndAsync()
    {
        await _one.WaitAsync();
        _hasEnded = true;
        _one.Release();
    }

    public void Dispose() => _one.Dispose();

    private async Task<ReloadResult> ReloadAsync()
    {
        var loaded = load();
        var lines = loaded.Problems.Select(problem => problem.ToString()).ToList();
        if (loaded.Options is not { } options)
        {
            return Refused(lines);
        }

        try
        {
            lines.AddRange(await apply(options));
        }
        catch (Exception refused) when (refused is ListenException or SpoolException)
        {
            lines.Add(refused.Message);
            return Refused(lines);
        }

        foreach (var line in lines)
        {
            log.ReloadNote(line);
        }

        metrics.Reloaded(time.GetUtcNow());
        log.Reloaded();
        lines.Add("the configuration is in force");
        return new ReloadResult(true, lines);
    }

    private ReloadResult Refused(List<string> reasons)
    {
        metrics.Refused();
        foreach (var reason in reasons)
        {
            log.ReloadProblem(reason);
        }

        log.NotReloaded();
        return new ReloadResult(false, [.. reasons, "nothing was changed: the configuration from before is in force"]);
    }
}
