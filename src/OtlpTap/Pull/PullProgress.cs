namespace OtlpTap.Pull;

/// <summary>How far a run is.</summary>
/// <param name="Share">Of the range of time, 0 to 1.</param>
/// <param name="Traces">Looked at: traces, of Loki those that log records speak of.</param>
/// <param name="Failing">Those in which something was found.</param>
/// <param name="Cases">Cases that were written or changed.</param>
/// <param name="Known">Passed over: an earlier run has looked at them.</param>
/// <param name="Missed">Traces that could not be fetched or judged.</param>
internal readonly record struct PullProgress(double Share, long Traces, long Failing, long Cases, long Known, long Missed);

/// <summary>Watches a run; any member may be called on any thread, one at a time.</summary>
internal interface IPullWatch
{
    void Progressed(in PullProgress progress);

    /// <summary>Something that did not end the run: an attempt that is made again, a trace that is left out, an answer that was not whole.</summary>
    void Said(string line);
}

/// <summary>How a run ended.</summary>
/// <param name="Failed">What ended it early; null: all of the range was looked at.</param>
/// <param name="IsCut">The limit of traces was reached, or one second had more than a search gives.</param>
internal readonly record struct PullReport(PullProgress Progress, BackendAnswer? Failed, bool IsCut);
