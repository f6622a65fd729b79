using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Pull;

/// <summary>
/// Where pulled traces become cases: a folder of the command's own, or the running tap's schedule. Everything that Pull
/// knows of writing cases is here.
/// </summary>
internal interface IPulledCases
{
    /// <summary>Ends when the trace has become what it could. True when a case was written or changed.</summary>
    /// <param name="verdicts">May be empty: a trace that has a case already is completed.</param>
    /// <exception cref="IOException">The case cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    Task<bool> StoreAsync(TraceId traceId, FetchedTrace trace, IReadOnlyList<Verdict> verdicts, CancellationToken cancellation);
}

/// <summary>Writes into the folder itself.</summary>
internal sealed class CaseFolder(CaseWriter writer, TimeProvider time) : IPulledCases
{
    public Task<bool> StoreAsync(TraceId traceId, FetchedTrace trace, IReadOnlyList<Verdict> verdicts, CancellationToken cancellation)
    {
        var capture = new Capture(traceId, time.GetTimestamp(), isUpdate: false) { Fetched = trace };
        capture.Verdicts.AddRange(verdicts);
        return Task.FromResult(writer.Write(capture).Outcome is CaseOutcome.Written or CaseOutcome.Updated or CaseOutcome.Regressed);
    }
}

/// <summary>Hands traces to the running tap's schedule of captures, one at a time.</summary>
internal sealed class CaptureQueue(CaptureScheduler scheduler) : IPulledCases
{
    public async Task<bool> StoreAsync(TraceId traceId, FetchedTrace trace, IReadOnlyList<Verdict> verdicts, CancellationToken cancellation)
    {
        if (verdicts.Count == 0 || scheduler.TrySchedule(traceId, trace, verdicts) is not { } handled)
        {
            return false;
        }

        await handled.WaitAsync(cancellation);
        return true;
    }
}
