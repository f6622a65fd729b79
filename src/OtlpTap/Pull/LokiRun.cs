using OtlpTap.Corpus;

namespace OtlpTap.Pull;

/// <summary>
/// All lines that a query finds in a range of time, oldest first: the next page begins at the time of the last line, and
/// those of that time that are known are passed over. Lines are gathered until there are enough, and judged by traces.
/// </summary>
internal sealed class LokiRun(LokiBackend backend, PullOptions options, PullRun run)
{
    private const int PageLimit = 1000;

    // Loki's limits_config.max_entries_limit_per_query.
    private const int PageLimitMax = 5000;

    // Gathered at a time. The lines of one trace come close together; where they do not, its case is completed.
    private const int GatheredMax = 20_000;
    private const long GatheredCharactersMax = 32 << 20;

    private bool _isCut;

    public async Task<PullReport> RunAsync(DateTimeOffset since, DateTimeOffset until, CancellationToken cancellation)
    {
        var (from, to) = (UnixNano(since), UnixNano(until));
        var cursor = run.State.Begin(from, to);
        var gathered = new List<LokiEntry>();
        var atCursor = new HashSet<string>(StringComparer.Ordinal);
        var limit = PageLimit;
        while (cursor < to && !run.IsFull)
        {
            var page = await backend.QueryAsync(options.Query, cursor, to, limit, cancellation);
            if (page.Failed is { } failed)
            {
                return new PullReport(run.Progress, failed, _isCut);
            }

            var isLast = page.Entries.Count < limit;
            gathered.AddRange(page.Entries.Where(entry => entry.UnixNano > cursor || !atCursor.Contains(KeyOf(entry))));
            if (!isLast && page.Entries[^1].UnixNano == cursor)
            {
                // A whole page of one moment: a larger one, and what that does not hold is lost.
                if (limit < PageLimitMax)
                {
                    gathered.RemoveAll(entry => entry.UnixNano == cursor);
                    atCursor.Clear();
                    limit = PageLimitMax;
                    continue;
                }

                _isCut = true;
                run.Said($"more than {PageLimitMax} lines have the time {cursor}: those beyond are left out, narrow the query");
                cursor++;
                atCursor.Clear();
            }
            else if (!isLast)
            {
                cursor = page.Entries[^1].UnixNano;
                atCursor = page.Entries.Where(entry => entry.UnixNano == cursor).Select(KeyOf).ToHashSet(StringComparer.Ordinal);
                limit = PageLimit;
            }

            if (isLast || gathered.Count >= GatheredMax || gathered.Sum(static entry => (long)entry.Line.Length) > GatheredCharactersMax)
            {
                await LookAtAsync(gathered, cancellation);
                gathered.Clear();
                cursor = isLast ? to : cursor;
                if (!run.IsFull)
                {
                    run.State.Reached(cursor);
                }
            }

            run.Reached(from, to, cursor);
        }

        return new PullReport(run.Progress, null, _isCut || cursor < to || run.IsFull);
    }

    private static long UnixNano(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks * 100;

    private static string KeyOf(LokiEntry entry) =>
        $"{entry.Line}\n{string.Join('\n', entry.Labels.Concat(entry.Metadata).OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => $"{pair.Key}={pair.Value}"))}";

    private async Task LookAtAsync(List<LokiEntry> entries, CancellationToken cancellation)
    {
        foreach (var (traceId, logs) in LokiRecords.ByTrace(entries))
        {
            if (run.IsFull)
            {
                return;
            }

            await run.LookAtAsync(traceId, new FetchedTrace(options.Name, [], logs), cancellation);
        }
    }
}
