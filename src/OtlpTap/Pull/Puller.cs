namespace OtlpTap.Pull;

/// <summary>One run over a range of time, of whichever backend.</summary>
internal static class Puller
{
    /// <summary>Exporters gather what they send, and backends make it searchable within half a minute or so.</summary>
    public static readonly TimeSpan Lag = TimeSpan.FromSeconds(30);

    public static async Task<PullReport> RunAsync(PullOptions options, PullRun run, DateTimeOffset since, DateTimeOffset until, TimeProvider time, ILogger logger, CancellationToken cancellation)
    {
        if (options.Source == PullSource.Tempo)
        {
            using var tempo = new TempoBackend(options, time, logger);
            tempo.Connection.Retrying = Retrying;
            return await new TempoRun(tempo, options, run).RunAsync(since, until, cancellation);
        }

        using var loki = new LokiBackend(options, time, logger);
        loki.Connection.Retrying = Retrying;
        return await new LokiRun(loki, options, run, time.GetUtcNow() - Lag).RunAsync(since, until, cancellation);

        void Retrying(string cause, TimeSpan delay) => run.Said($"{cause}: again in {delay.TotalSeconds:0.#} s");
    }
}
