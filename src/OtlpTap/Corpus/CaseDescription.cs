using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>What a case's document says of its trace: read from the redacted trace, so that nothing comes back that was taken out there.</summary>
/// <param name="recorder">Null where all traces come with their captures.</param>
internal sealed class CaseDescription(Recorder? recorder, TimeProvider time)
{
    public void Write(CaseDocument document, Capture capture, CaseFragments fragments, in JoinedItems spans, in JoinedItems logs, bool isNew)
    {
        var summary = TraceSummary.Read(spans.Request);
        document.SpanCount = spans.Count;
        document.LogCount = logs.Count;
        document.FirstSpanUnixNano = summary.FirstStart;
        document.LastSpanUnixNano = summary.LastEnd;
        if (document.Services.Count == 0)
        {
            CaseDocument.AddTo(document.Services, summary.ServiceOf(document.Verdicts.FirstOrDefault()?.SpanId ?? default));
        }

        for (var i = 0; i < document.Verdicts.Count; i++)
        {
            var verdict = document.Verdicts[i];
            document.Verdicts[i] = verdict with { SpanName = summary.NameOf(verdict.SpanId) ?? verdict.SpanName };
        }

        var run = CaseFragments.ReadRun(spans.Request, logs.Request);
        document.NotReplayable = CaseContent.NotReplayable(run);
        if (run is not null)
        {
            (document.Run, document.Ids) = CaseContent.Of(run);
        }

        Set(IncompleteReason.ParentMissing, summary.IsParentMissing);
        Set(IncompleteReason.FailingSpanMissing, document.Verdicts.Exists(verdict => !verdict.SpanId.IsZero && !summary.Contains(verdict.SpanId)));

        // What was lost before stays lost.
        var isLost = IsOverwritten(capture, summary, isNew) || document.Incomplete.Contains(IncompleteReason.OverwrittenInRing);
        Set(IncompleteReason.OverwrittenInRing, isLost);
        Set(IncompleteReason.TooLarge, spans.IsTooLarge || logs.IsTooLarge);
        Set(IncompleteReason.MalformedRequest, fragments.IsMalformed);
        Set(IncompleteReason.PartialAnswer, fragments.Fetched?.IsPartial ?? document.Incomplete.Contains(IncompleteReason.PartialAnswer));
        if (fragments.Fetched is { } fetched)
        {
            CaseDocument.AddTo(document.FetchedFrom, fetched.Source);
            document.IsTruncationSuspected |= fetched.IsTruncationSuspected;
        }

        void Set(string reason, bool applies)
        {
            _ = applies ? document.Incomplete.Add(reason) : document.Incomplete.Remove(reason);
        }
    }

    /// <summary>
    /// Whether requests of the trace may have left the ring unseen: it began (by its sender's clock) before the oldest
    /// request that is held. For a case that is there, only what came since the update was scheduled is asked about.
    /// </summary>
    private bool IsOverwritten(Capture capture, TraceSummary summary, bool isNew)
    {
        if (recorder is not { HasForgotten: true, OldestUnixNano: > 0 and var oldest } || capture.Fetched is not null)
        {
            return false;
        }

        var since = UnixTime.Now(time) - UnixTime.ToNanoseconds(time.GetElapsedTime(capture.ScheduledAt));
        return isNew
            ? summary.FirstStart != 0 && summary.FirstStart < (ulong)oldest
            : since < oldest;
    }
}
