using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

/// <summary>One trace that is to become a case, or whose case is to be completed. Owned by the scheduler until taken, then by the writer.</summary>
internal sealed class Capture(in TraceId traceId, long scheduledAt, bool isUpdate)
{
    public TraceId TraceId { get; } = traceId;

    /// <summary><see cref="TimeProvider.GetTimestamp"/> of the first verdict, or of the first late span.</summary>
    public long ScheduledAt { get; } = scheduledAt;

    /// <summary>The case was written before: for late spans or a further verdict.</summary>
    public bool IsUpdate { get; } = isUpdate;

    /// <summary>Its name in the journal; 0 where there is none.</summary>
    public ulong Number { get; init; }

    public long DueAt { get; set; }

    public List<Verdict> Verdicts { get; } = [];

    /// <summary>Verdicts that had no room.</summary>
    public int VerdictsOmitted { get; set; }

    /// <summary>The trace as another place has it; null: the recorder has it, or nobody was asked.</summary>
    public FetchedTrace? Fetched { get; set; }

    /// <summary>Completed when the capture has become what it could; null where nobody waits for that.</summary>
    public TaskCompletionSource? Handled { get; set; }

    /// <summary>Writes that failed so far.</summary>
    public int Attempts { get; set; }
}
