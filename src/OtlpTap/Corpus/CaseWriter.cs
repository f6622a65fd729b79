using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Otlp;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>What became of a capture.</summary>
internal enum CaseOutcome
{
    Written,

    /// <summary>The case was there and has now more in it.</summary>
    Updated,

    /// <summary>Everything was in the case already, as after a client's retry, or people removed the case.</summary>
    Unchanged,

    /// <summary>Nothing of the trace is in the recorder.</summary>
    NotRecorded,

    /// <summary>The folder has its size.</summary>
    DirectoryFull,
}

internal readonly record struct CaseResult(CaseOutcome Outcome, string Failure = "", string Path = "");

/// <summary>
/// Makes a case of a capture: all of its trace that the recorder holds, joined with what the case has already.
/// Nothing that was in a case is lost by writing it again: the union is made from its own files, and a file that cannot
/// be read is renamed. Not thread-safe; file system errors come out as exceptions, and the capture can be tried again.
/// </summary>
internal sealed class CaseWriter(CorpusOptions options, Recorder recorder, CorpusMetrics metrics, TimeProvider time, ILogger<CaseWriter> logger)
{
    private static readonly TimeSpan MeasureInterval = TimeSpan.FromMinutes(1);

    private readonly CaseDirectory _directory = new(options.Directory);
    private long _measuredAt = time.GetTimestamp();

    public CaseResult Write(Capture capture)
    {
        if (IsDirectoryFull())
        {
            return new CaseResult(CaseOutcome.DirectoryFull);
        }

        var path = _directory.Find(capture.TraceId);
        var isNew = path is null || !File.Exists(Path.Combine(path, CaseDirectory.CaseFile));
        if (isNew && capture.Verdicts.Count == 0)
        {
            return new CaseResult(CaseOutcome.Unchanged);
        }

        var fragments = Assemble(capture.TraceId);
        if (isNew && fragments.Spans.ItemCount + fragments.Logs.ItemCount == 0)
        {
            return new CaseResult(CaseOutcome.NotRecorded);
        }

        path ??= _directory.PathFor(capture.Verdicts[0].Failure, capture.TraceId);
        Directory.CreateDirectory(path);

        var document = ReadDocument(path, capture);
        var hasNewVerdict = false;
        foreach (var verdict in capture.Verdicts)
        {
            hasNewVerdict |= document.Add(verdict);
        }

        document.VerdictsOmitted += capture.VerdictsOmitted;
        var spans = Join(Signal.Traces, path, CaseDirectory.TraceFile, fragments.Spans);
        var logs = Join(Signal.Logs, path, CaseDirectory.LogsFile, fragments.Logs);

        // By the counts, not by what was joined just now: an attempt before this one may have failed half-way.
        if (!isNew && !hasNewVerdict && document.SpanCount == spans.Count && document.LogCount == logs.Count)
        {
            return new CaseResult(CaseOutcome.Unchanged, document.Failure, path);
        }

        fragments.IsMalformed |= !WriteTelemetry(Signal.Traces, path, CaseDirectory.TraceFile, spans);
        fragments.IsMalformed |= !WriteTelemetry(Signal.Logs, path, CaseDirectory.LogsFile, logs);
        Describe(document, capture, fragments, spans, logs, isNew);

        // Last: a case.json tells that the rest of the case is there.
        _directory.Write(path, CaseDirectory.CaseFile, document.Write);
        metrics.DirectoryMeasured(_directory.Bytes);
        return new CaseResult(isNew ? CaseOutcome.Written : CaseOutcome.Updated, document.Failure, path);
    }

    private bool IsDirectoryFull()
    {
        if (options.DirectoryBytesMax == 0 || _directory.Bytes < options.DirectoryBytesMax)
        {
            return false;
        }

        // People may have made room. Looking costs a walk through the folder, so not for each case.
        if (time.GetElapsedTime(_measuredAt) >= MeasureInterval)
        {
            _measuredAt = time.GetTimestamp();
            metrics.DirectoryMeasured(_directory.Measure());
        }

        return _directory.Bytes >= options.DirectoryBytesMax;
    }

    private Fragments Assemble(in TraceId traceId)
    {
        var fragments = new Fragments(traceId, options.TraceBytesMax);
        recorder.Visit(traceId, fragments, static (in fragment, into) =>
        {
            var assembler = fragment.Signal == Signal.Logs ? into.Logs : into.Spans;
            into.IsMalformed |= !assembler.TryAdd(fragment.Request);
        });
        return fragments;
    }

    private CaseDocument ReadDocument(string path, Capture capture)
    {
        if (CaseDirectory.Read(path, CaseDirectory.CaseFile) is { } json)
        {
            if (CaseDocument.TryRead(json, out var document, out var problem))
            {
                document!.UpdatedAt = time.GetUtcNow();
                return document;
            }

            SetAside(path, CaseDirectory.CaseFile, problem);
        }

        var failure = capture.Verdicts.Count > 0 ? capture.Verdicts[0].Failure : Path.GetFileName(Path.GetDirectoryName(path)!);
        return new CaseDocument { TraceId = capture.TraceId, Failure = failure, RecordedAt = time.GetUtcNow() };
    }

    /// <summary>The items of a file of the case and, behind them, those of the recorder that are not in it.</summary>
    private Joined Join(Signal signal, string path, string fileName, TraceAssembler recorded)
    {
        if (CaseDirectory.Read(path, fileName) is not { } json)
        {
            return Joined.Of(recorded, 0);
        }

        var existing = new ArrayBufferWriter<byte>();
        if (!OtlpJson.TryRead(signal, json, existing, out var error, Array.MaxLength))
        {
            SetAside(path, fileName, $"{error.Message} at byte {error.ByteOffset}");
            return Joined.Of(recorded, 0);
        }

        // Both went through JSON: so equal spans have equal bytes, whatever order their sender wrote the fields in.
        // The limit is for what is new: what the case has stays, whatever the limit was then.
        var joined = new TraceAssembler(signal, null, Array.MaxLength);
        joined.TryAdd(existing.WrittenSpan);
        var before = joined.ItemCount;
        joined.BytesMax = options.TraceBytesMax;
        joined.TryAdd(ThroughJson(signal, recorded.Build()));
        return Joined.Of(joined, before);
    }

    private static ReadOnlySpan<byte> ThroughJson(Signal signal, byte[] request)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            OtlpJson.Write(signal, request, writer);
        }

        var same = new ArrayBufferWriter<byte>();
        return OtlpJson.TryRead(signal, json.WrittenSpan, same, out var error, Array.MaxLength)
            ? same.WrittenSpan
            : throw new InvalidOperationException($"A request written as OTLP/JSON cannot be read back: {error.Message} at byte {error.ByteOffset}");
    }

    private void Describe(CaseDocument document, Capture capture, Fragments fragments, in Joined spans, in Joined logs, bool isNew)
    {
        var summary = TraceSummary.Read(spans.Request);
        document.SpanCount = spans.Count;
        document.LogCount = logs.Count;
        document.FirstSpanUnixNano = summary.FirstStart;
        document.LastSpanUnixNano = summary.LastEnd;
        document.Service = summary.ServiceOf(document.Verdicts.FirstOrDefault()?.SpanId ?? default) ?? document.Service;
        for (var i = 0; i < document.Verdicts.Count; i++)
        {
            var verdict = document.Verdicts[i];
            document.Verdicts[i] = verdict with { SpanName = summary.NameOf(verdict.SpanId) ?? verdict.SpanName };
        }

        Set(IncompleteReason.ParentMissing, summary.IsParentMissing);
        Set(IncompleteReason.FailingSpanMissing, document.Verdicts.Exists(verdict => !verdict.SpanId.IsZero && !summary.Contains(verdict.SpanId)));

        // What was lost before stays lost.
        var isLost = IsOverwritten(capture, summary, isNew) || document.Incomplete.Contains(IncompleteReason.OverwrittenInRing);
        Set(IncompleteReason.OverwrittenInRing, isLost);
        Set(IncompleteReason.TooLarge, fragments.Spans.IsTooLarge || fragments.Logs.IsTooLarge || spans.IsTooLarge || logs.IsTooLarge);
        Set(IncompleteReason.MalformedRequest, fragments.IsMalformed);

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
        var oldest = recorder.OldestUnixNano;
        if (!recorder.HasForgotten || oldest == 0)
        {
            return false;
        }

        var since = UnixTime.Now(time) - UnixTime.ToNanoseconds(time.GetElapsedTime(capture.ScheduledAt));
        return isNew
            ? summary.FirstStart != 0 && summary.FirstStart < (ulong)oldest
            : since < oldest;
    }

    // False: something in it has no place in OTLP/JSON (values nested beyond measure) and was left out.
    private bool WriteTelemetry(Signal signal, string path, string fileName, in Joined joined)
    {
        var isWhole = true;
        if (joined.IsChanged)
        {
            var request = joined.Request;
            _directory.Write(path, fileName, json => isWhole = OtlpJson.Write(signal, request, json));
        }

        return isWhole;
    }

    private void SetAside(string path, string fileName, string problem)
    {
        var aside = CaseDirectory.SetAside(path, fileName);
        metrics.FileSetAside();
        logger.FileSetAside(Path.Combine(path, fileName), problem, aside);
    }

    /// <summary>All that is known of the trace's spans, or of its logs.</summary>
    private readonly record struct Joined(byte[] Request, int Count, bool IsTooLarge, bool IsChanged)
    {
        public static Joined Of(TraceAssembler items, int countBefore) =>
            new(items.Build(), items.ItemCount, items.IsTooLarge, items.ItemCount > countBefore);
    }

    private sealed class Fragments(in TraceId traceId, int bytesMax)
    {
        public TraceAssembler Spans { get; } = new(Signal.Traces, traceId, bytesMax);

        public TraceAssembler Logs { get; } = new(Signal.Logs, traceId, bytesMax);

        public bool IsMalformed { get; set; }
    }
}
