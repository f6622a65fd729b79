using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus.Journal;

/// <summary>What an earlier process left to be done.</summary>
/// <param name="Position">Requests up to here were looked at; those behind it are to be.</param>
/// <param name="Captures">Those that had not ended, in order.</param>
/// <param name="Recent">Traces whose case was written, and until when late spans are added, in nanoseconds since 1970.</param>
internal sealed record JournalState(long Position, IReadOnlyList<JournaledCapture> Captures, IReadOnlyList<(TraceId Trace, long ExpiresUnixNano)> Recent);

internal sealed record JournaledCapture(ulong Number, TraceId TraceId, long ScheduledUnixNano, bool IsUpdate, List<Verdict> Verdicts);
