using System.Net;
using OtlpTap.Otlp;

namespace OtlpTap.Pull;

/// <summary>
/// All traces that a query finds in a range of time. A search has no pages and no order, only a limit: a window that
/// comes back full is halved until it does not.
/// </summary>
internal sealed class TempoRun(TempoBackend backend, PullOptions options, PullRun run)
{
    private const int SearchLimit = 1000;
    private const int SearchLimitMin = 20;

    // One second is as fine as Tempo's windows are; what is left then is a larger limit.
    private const int SecondLimit = 10_000;
    private const long WindowMax = 6 * 3600;
    private const long FirstWindow = 3600;

    // Traces that were still being written, and of Tempo 3 the last half minute, which no search looks at (query_end_cutoff):
    // where an earlier run ended it is gone back so far. Those that are known are passed over.
    private const long Overlap = 5 * 60;

    // Fetched at the same time; each may be as large as an answer.
    private const int Concurrency = 4;

    // So many in a row are no matter of single traces.
    private const int MissedInARowMax = 10;

    private int _limit = SearchLimit;
    private int _missedInARow;
    private bool _isCut;

    public async Task<PullReport> RunAsync(DateTimeOffset since, DateTimeOffset until, CancellationToken cancellation)
    {
        var (from, to) = (since.ToUnixTimeSeconds(), until.ToUnixTimeSeconds());
        var done = run.State.Begin(from * PullRun.NanosecondsPerSecond, to * PullRun.NanosecondsPerSecond) / PullRun.NanosecondsPerSecond;
        var cursor = Math.Max(from, done - Overlap);
        if (await FetchAllAsync([.. run.State.Failed], cancellation) is { } failedEarly)
        {
            return new PullReport(run.Progress, failedEarly, _isCut);
        }

        var window = FirstWindow;
        while (cursor < to && !run.IsFull)
        {
            var end = Math.Min(cursor + window, to);
            var page = await SearchAsync(cursor, end, cancellation);
            if (page.Failed is { } failed)
            {
                return new PullReport(run.Progress, failed, _isCut);
            }

            if (page.Traces.Count >= _limit && end - cursor > 1)
            {
                window = Math.Max(1, (end - cursor) / 2);
                continue;
            }

            if (page.Traces.Count >= _limit)
            {
                page = await SearchFullSecondAsync(cursor, end, page, cancellation);
            }

            if (page.IsPartial)
            {
                run.Said($"the search from {Time(cursor)} to {Time(end)} did not look everywhere: traces may be missing");
            }

            if (await FetchAllAsync([.. page.Traces.Distinct().Where(IsNew)], cancellation) is { } broken)
            {
                return new PullReport(run.Progress, broken, _isCut);
            }

            if (run.IsFull)
            {
                break;
            }

            cursor = end;
            window = Math.Min(window * 2, WindowMax);
            run.State.Reached(cursor * PullRun.NanosecondsPerSecond);
            run.Reached(from, to, cursor);
        }

        return new PullReport(run.Progress, null, _isCut || cursor < to);
    }

    private static string Time(long unixSeconds) => DateTimeOffset.FromUnixTimeSeconds(unixSeconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private bool IsNew(TraceId traceId)
    {
        if (!run.State.IsKnown(traceId))
        {
            return true;
        }

        run.Passed();
        return false;
    }

    /// <summary>Tempo may have a lower limit than ours (<c>query_frontend.search.max_result_limit</c>), and says so with 400.</summary>
    private async Task<SearchPage> SearchAsync(long from, long to, CancellationToken cancellation)
    {
        while (true)
        {
            var page = await backend.SearchAsync(options.Query, from, to, _limit, cancellation);
            if (page.Failed is not { Status: HttpStatusCode.BadRequest } failed || _limit == SearchLimitMin || !failed.Cause.Contains("limit", StringComparison.OrdinalIgnoreCase))
            {
                return page;
            }

            _limit = Math.Max(SearchLimitMin, _limit / 5);
        }
    }

    private async Task<SearchPage> SearchFullSecondAsync(long from, long to, SearchPage page, CancellationToken cancellation)
    {
        var larger = await backend.SearchAsync(options.Query, from, to, SecondLimit, cancellation);
        if (larger.Failed is null && larger.Traces.Count is > 0 and < SecondLimit && larger.Traces.Count > page.Traces.Count)
        {
            return larger;
        }

        _isCut = true;
        run.Said($"the second {Time(from)} has more traces than a search gives: narrow the query");
        return larger.Failed is null ? larger : page;
    }

    /// <summary>Whether no other trace will fare better. One that is too large or cannot be read is a matter of its own, however many there are.</summary>
    private bool IsOfAll(PullFailure failure) => failure switch
    {
        PullFailure.Refused or PullFailure.NoCredential => true,
        PullFailure.TooLarge or PullFailure.Malformed => false,
        _ => ++_missedInARow >= MissedInARowMax,
    };

    /// <summary>Null, or what ended the run.</summary>
    private async Task<BackendAnswer?> FetchAllAsync(TraceId[] traces, CancellationToken cancellation)
    {
        foreach (var chunk in traces.Chunk(Concurrency))
        {
            if (run.IsFull)
            {
                return null;
            }

            var answers = await Task.WhenAll(chunk.Select(async traceId => (TraceId: traceId, Answer: await backend.FetchAsync(traceId, cancellation))));
            foreach (var (traceId, answer) in answers)
            {
                if (run.IsFull)
                {
                    return null;
                }

                if (answer.Failed is { } failed)
                {
                    run.State.CouldNot(traceId);
                    run.Missed($"trace {traceId} cannot be fetched: {failed.Cause}");
                    if (IsOfAll(failed.Failure))
                    {
                        return failed;
                    }

                    continue;
                }

                _missedInARow = 0;
                if (answer.Trace is { } trace)
                {
                    await run.LookAtAsync(traceId, trace, cancellation);
                }

                // One that the search knew and that is gone meanwhile is not looked for again.
                run.State.Done(traceId);
            }
        }

        return null;
    }
}
