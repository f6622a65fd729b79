using System.Net;
using OtlpTap.Corpus;
using OtlpTap.Otlp;

namespace OtlpTap.Pull;

/// <summary>
/// All lines that a query finds in a range of time, oldest first: the next page begins at the time of the last line, and
/// those of that time that are known are passed over. Lines are gathered until there are enough, and judged by traces.
/// </summary>
/// <param name="settled">Of what came later there may be more: it is read, and the next run reads it again.</param>
internal sealed class LokiRun(LokiBackend backend, PullOptions options, PullRun run, DateTimeOffset settled)
{
    private const int PageLimit = 1000;

    // Loki's limits_config.max_entries_limit_per_query by default; a larger one is refused with 400, and it may be set lower.
    private const int PageLimitMax = 5000;
    private const int PageLimitMin = 20;

    // Loki refuses a query over more than 30 days (limits_config.max_query_length), and splits longer ones anyhow.
    private const long WindowNano = 24 * 3600 * PullRun.NanosecondsPerSecond;

    // Gathered at a time. The lines of one trace come close together; where they do not, its case is completed.
    private const int GatheredMax = 20_000;
    private const long GatheredCharactersMax = 32 << 20;

    private readonly List<LokiEntry> _gathered = [];

    // The lines of the moment that the next page begins with.
    private HashSet<string> _atCursor = new(StringComparer.Ordinal);
    private int _limitMax = PageLimitMax;
    private int _limit = PageLimit;
    private bool _isCut;

    public async Task<PullReport> RunAsync(DateTimeOffset since, DateTimeOffset until, CancellationToken cancellation)
    {
        var (from, to) = ((long)UnixTime.Of(since), (long)UnixTime.Of(until));
        var cursor = run.State.Begin(from, to);
        while (cursor < to && !run.IsFull)
        {
            var end = Math.Min(cursor + WindowNano, to);
            var page = await QueryAsync(cursor, end, cancellation);
            if (page.Failed is { } failed)
            {
                return new PullReport(run.Progress, failed, _isCut);
            }

            var isLast = page.Entries.Count < _limit;
            if (!isLast && page.Entries[^1].UnixNano == cursor && _limit < _limitMax)
            {
                // A whole page of one moment: asked for again as a larger one.
                _limit = _limitMax;
                continue;
            }

            _gathered.AddRange(page.Entries.Where(entry => entry.UnixNano > cursor || !_atCursor.Contains(KeyOf(entry))));
            cursor = isLast ? End(end) : Next(cursor, page.Entries);
            if (cursor == to || _gathered.Count == 0 || _gathered.Count >= GatheredMax || _gathered.Sum(static entry => (long)entry.Line.Length) > GatheredCharactersMax)
            {
                await LookAtAsync(cancellation);
                if (!run.IsFull)
                {
                    run.State.Reached(Math.Min(cursor, (long)UnixTime.Of(settled)));
                }
            }

            run.Reached(from, to, cursor);
        }

        return new PullReport(run.Progress, null, _isCut || cursor < to || run.IsFull);
    }

    /// <summary>Where a page goes on that was full: at its last moment, of which there may be more.</summary>
    private long Next(long cursor, IReadOnlyList<LokiEntry> entries)
    {
        var last = entries[^1].UnixNano;
        if (last == cursor)
        {
            _isCut = true;
            run.Said($"more than {_limit} lines have the time {cursor}: those beyond are left out, narrow the query");
            _atCursor.Clear();
            return cursor + 1;
        }

        _atCursor = entries.Where(entry => entry.UnixNano == last).Select(KeyOf).ToHashSet(StringComparer.Ordinal);
        _limit = Math.Min(PageLimit, _limitMax);
        return last;
    }

    private long End(long windowEnd)
    {
        _atCursor.Clear();
        return windowEnd;
    }

    private async Task<LokiPage> QueryAsync(long from, long to, CancellationToken cancellation)
    {
        while (true)
        {
            var page = await backend.QueryAsync(options.Query, from, to, _limit, cancellation);
            if (page.Failed is not { Status: HttpStatusCode.BadRequest } failed || _limit == PageLimitMin || !failed.Cause.Contains("max entries limit", StringComparison.OrdinalIgnoreCase))
            {
                return page;
            }

            // Halved, but not below a page that was answered.
            _limitMax = _limit > PageLimit ? PageLimit : Math.Max(PageLimitMin, _limit / 2);
            _limit = _limitMax;
        }
    }

    private static string KeyOf(LokiEntry entry) =>
        $"{entry.Line}\n{string.Join('\n', entry.Labels.Concat(entry.Metadata).OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => $"{pair.Key}={pair.Value}"))}";

    private async Task LookAtAsync(CancellationToken cancellation)
    {
        foreach (var (traceId, logs) in LokiRecords.ByTrace(_gathered))
        {
            if (run.IsFull)
            {
                break;
            }

            await run.LookAtAsync(traceId, new FetchedTrace(options.Name, [], logs), cancellation);
        }

        _gathered.Clear();
    }
}
