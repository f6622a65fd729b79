using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Redact;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>What became of a capture.</summary>
internal enum CaseOutcome
{
    Written,

    /// <summary>The case was there and has now more in it.</summary>
    Updated,

    /// <summary>The case was fixed, and here it is again.</summary>
    Regressed,

    /// <summary>One occurrence more of a case that is there; nothing in it is new.</summary>
    Counted,

    /// <summary>Everything was in the case already, as after a client's retry, or people removed the case.</summary>
    Unchanged,

    /// <summary>Nothing of the trace is in the recorder.</summary>
    NotRecorded,

    /// <summary>The folder has its size.</summary>
    DirectoryFull,

    /// <summary>As many new cases as an hour may bring were written.</summary>
    HourlyLimit,
}

internal readonly record struct CaseResult(CaseOutcome Outcome, string Failure = "", string Path = "");

/// <summary>
/// Makes a case of a capture, or counts it as an occurrence of a case that is there: all of its trace that the recorder
/// holds, redacted, joined with what the case has already. Nothing that was in a case is lost by writing it again: the
/// union is made from its own files, and a file that cannot be read is renamed. Not thread-safe; file system errors come
/// out as exceptions, and the capture can be tried again.
/// </summary>
internal sealed class CaseWriter
{
    private const int ListMax = 20;

    // Who broke more at once finds them with `otlptap cases list`.
    private const int UnreadableToldMax = 10;

    // What is deleted when the folder is full is enough for a while: each time costs a walk through the folder.
    private const double RoomAfterTrimming = 0.95;
    private static readonly TimeSpan MeasureInterval = TimeSpan.FromMinutes(1);

    private readonly CorpusOptions _options;
    private readonly Recorder? _recorder;
    private readonly CorpusMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<CaseWriter> _logger;
    private readonly CaseDirectory _directory;
    private readonly KnownCases _known;
    private readonly HourlyLimit _newCases;

    // Counts that are not written yet, of at most the cases that one capture meets.
    private readonly Queue<KnownCase> _leaving = new();
    private long? _measuredAt;
    private bool _isIndexed;

    // Made with the first case: the key of the hashes may have to be made beside it.
    private Redactor? _redactor;

    /// <param name="recorder">Null where all traces come with their captures.</param>
    public CaseWriter(CorpusOptions options, Recorder? recorder, CorpusMetrics metrics, TimeProvider time, ILogger<CaseWriter> logger)
    {
        _options = options;
        _recorder = recorder;
        _metrics = metrics;
        _time = time;
        _logger = logger;
        _directory = new CaseDirectory(options.Directory);
        _known = new KnownCases(options.CasesInMemoryMax, options.LateTracesMax);
        _newCases = new HourlyLimit(options.CasesPerHourMax, time);
    }

    public CaseResult Write(Capture capture)
    {
        ReadIndex();
        WriteCountsOfLeaving();
        var counted = _known.CaseOf(capture.TraceId);
        if (counted is not null && File.Exists(Path.Combine(counted, CaseDirectory.CaseFile)))
        {
            return Complete(capture, counted);
        }

        // Late spans bring no case back that people removed, and a mark alone makes none.
        if (!capture.Verdicts.Exists(static verdict => !FailureKind.IsMark(verdict.Failure)))
        {
            return new CaseResult(CaseOutcome.Unchanged);
        }

        var fragments = Assemble(capture);
        if (fragments.Spans.ItemCount + fragments.Logs.ItemCount == 0)
        {
            return new CaseResult(CaseOutcome.NotRecorded);
        }

        var run = ReadRun(capture.TraceId, fragments.Spans.Build(), fragments.Logs.Build());
        var primary = CaseGroup.PrimaryOf(capture.Verdicts, run);
        var group = CaseGroup.Of(primary, run);
        var path = _directory.Find(group.Failure, group.Fingerprint) ?? _directory.PathFor(group.Failure, group.Fingerprint);
        if (Load(path) is not { } known)
        {
            return Create(capture, path, group, CaseTitle.Of(group, primary, run), fragments, run);
        }

        // Another tap may have met a part of this trace: it is one occurrence, and its spans belong together.
        if (known.Has(capture.TraceId))
        {
            _known.Remember(capture.TraceId, path);
            return Complete(capture, path);
        }

        return Occur(capture, known, fragments, run, isRepeated: false);
    }

    /// <summary>Writes the counts that changed since they were written last.</summary>
    /// <exception cref="IOException">Some could not be written; the others were, and those are tried again the next time.</exception>
    public void WriteCounts()
    {
        WriteCountsOfLeaving();
        IOException? first = null;
        foreach (var known in _known.Dirty.ToList())
        {
            try
            {
                WriteCounts(known);
            }
            catch (IOException exception)
            {
                first ??= exception;
            }
        }

        if (first is not null)
        {
            throw first;
        }
    }

    /// <summary>Of cases that left the memory: not where that happened, for the lock may be held there.</summary>
    private void WriteCountsOfLeaving()
    {
        while (_leaving.TryPeek(out var known))
        {
            WriteCounts(known);
            _leaving.Dequeue();
        }
    }

    private void WriteCounts(KnownCase known)
    {
        if (!Directory.Exists(known.Path))
        {
            _known.Remove(known.Path);
            return;
        }

        // Another tap may count in the same file: what is added is what was counted here.
        using var held = CaseLock.Take(_directory.Root);
        var seen = (ReadSeen(known.Path) ?? known.First!).With(known.Uncounted!);
        _directory.Write(known.Path, CaseDirectory.SeenFile, seen.Write);
        known.Uncounted = null;
        _metrics.DirectoryMeasured(_directory.Bytes);
    }

    /// <summary>Which traces the cases have: after a restart a late verdict still finds its case.</summary>
    private void ReadIndex()
    {
        if (_isIndexed)
        {
            return;
        }

        var unreadable = 0;
        foreach (var path in _directory.CaseFolders())
        {
            if (ReadListed(path, ref unreadable) is { } document)
            {
                _known.Remember(document.TraceId, path);
                foreach (var trace in document.Traces)
                {
                    _known.Remember(trace.TraceId, path);
                }
            }
        }

        _isIndexed = true;
    }

    /// <summary>A case that cannot be read is told at once: it may be long until it occurs again and its file is set aside.</summary>
    private CaseDocument? ReadListed(string path, ref int unreadable)
    {
        var listing = CaseStore.ListingOf(path, out var document);
        if (listing.Problem is { } problem)
        {
            _metrics.CaseUnreadable();
            if (unreadable++ < UnreadableToldMax)
            {
                _logger.CaseUnreadable(problem);
            }
        }

        return document;
    }

    /// <summary>What is known of the case in a folder; null when there is none that can be read.</summary>
    private KnownCase? Load(string path)
    {
        var stamp = StampOf(path);
        var known = _known.Find(path);
        if (stamp == default)
        {
            _known.Remove(path);
            return null;
        }

        if (known is not null && known.Stamp == stamp)
        {
            return known;
        }

        if (ReadDocument(path) is not { } document)
        {
            return null;
        }

        // Of before it was read: what people change meanwhile is seen the next time.
        return Know(path, document, stamp);
    }

    private static (DateTime WrittenAt, long Length) StampOf(string path) =>
        new FileInfo(Path.Combine(path, CaseDirectory.CaseFile)) is { Exists: true } file ? (file.LastWriteTimeUtc, file.Length) : default;

    private KnownCase Know(string path, CaseDocument document, (DateTime WrittenAt, long Length) stamp)
    {
        var known = _known.Find(path);
        if (known is null)
        {
            known = new KnownCase(path, new HourlyLimit(_options.UpdatesPerHourMax, _time));
            if (_known.Add(known) is { Uncounted: not null } leaving)
            {
                _leaving.Enqueue(leaving);
            }
        }

        known.Stamp = stamp;
        known.First = new SeenFile(1, document.FirstSeen, document.Versions.FirstOrDefault() ?? "", document.TraceId.ToString());
        known.Traces = [document.TraceId, .. document.Traces.Select(trace => trace.TraceId)];
        known.Life = document.Life;
        known.Versions = [.. document.Versions];
        known.Services = [.. document.Services];
        known.Models = [.. document.Models];
        known.Kinds = [(document.Shape, document.Input), .. document.Traces.Select(trace => (trace.Shape, trace.Input))];
        return known;
    }

    /// <summary>Null: it was seen once.</summary>
    private SeenFile? ReadSeen(string path)
    {
        if (CaseDirectory.Read(path, CaseDirectory.SeenFile) is { } json)
        {
            if (SeenFile.TryRead(json, out var seen, out var problem))
            {
                return seen;
            }

            SetAside(path, CaseDirectory.SeenFile, problem);
        }

        return null;
    }

    private CaseDocument? ReadDocument(string path)
    {
        if (CaseDirectory.Read(path, CaseDirectory.CaseFile) is not { } json)
        {
            return null;
        }

        if (CaseDocument.TryRead(json, out var document, out var problem))
        {
            return document;
        }

        SetAside(path, CaseDirectory.CaseFile, problem);
        _known.Remove(path);
        return null;
    }

    private CaseResult Create(Capture capture, string path, CaseGroup group, string title, Fragments fragments, AgentRun run)
    {
        if (IsDirectoryFull())
        {
            return new CaseResult(CaseOutcome.DirectoryFull);
        }

        // An attempt that failed half-way left its folder: it had its place among the hour's cases.
        if (!Directory.Exists(path) && !_newCases.TryTake())
        {
            return new CaseResult(CaseOutcome.HourlyLimit);
        }

        _directory.Create(path);
        using (CaseLock.Take(_directory.Root))
        {
            if (StampOf(path) == default)
            {
                return CreateHeld(capture, path, group, title, fragments, run);
            }
        }

        return Write(capture); // another tap made it meanwhile
    }

    private CaseResult CreateHeld(Capture capture, string path, CaseGroup group, string title, Fragments fragments, AgentRun run)
    {
        var redactor = Redactor();
        var now = _time.GetUtcNow();
        var document = new CaseDocument
        {
            Fingerprint = group.Fingerprint,
            TraceId = capture.TraceId,
            Title = redactor.Redact(title),
            Group = new CaseGroup(group.Failure, redactor.Redact(group.Agent), redactor.Redact(group.Subject), redactor.Redact(group.ErrorType), redactor.Redact(group.Message)),
            RecordedAt = now,
            FirstSeen = SeenAt(capture, FactsOf(capture, run)),
            Shape = RunShape.Of(run),
            Input = RunShape.OfInput(run),
        };
        SetAsideOthers(path, capture.TraceId);
        WriteFirstTrace(capture, path, document, fragments, run, isNew: true);
        _known.Remember(capture.TraceId, path);
        return new CaseResult(CaseOutcome.Written, document.Failure, path);
    }

    /// <summary>Files that lost their case's own file and are of another trace: they are kept, under another name.</summary>
    private void SetAsideOthers(string path, in TraceId traceId)
    {
        foreach (var (signal, name) in new[] { (Signal.Traces, CaseDirectory.TraceFile), (Signal.Logs, CaseDirectory.LogsFile) })
        {
            if (CaseDirectory.Read(path, name) is { } json)
            {
                var request = new ArrayBufferWriter<byte>();
                var mine = new TraceAssembler(signal, traceId, Array.MaxLength);
                if (OtlpJson.TryRead(signal, json, request, out _, Array.MaxLength) && mine.TryAdd(request.WrittenSpan) && mine.ItemCount == 0)
                {
                    SetAside(path, name, "its case.json is gone, and it is of another trace");
                }
            }
        }
    }

    /// <summary>Later spans, logs and verdicts of a trace that was met before.</summary>
    private CaseResult Complete(Capture capture, string path)
    {
        var known = Load(path);
        var document = known is null ? null : ReadDocument(path);
        if (document is null)
        {
            // Its file was broken and is set aside: it is written anew from what its folder and the recorder have.
            _known.Remember(capture.TraceId, "");
            return capture.Verdicts.Count > 0 ? Write(capture) : new CaseResult(CaseOutcome.Unchanged);
        }

        var fragments = Assemble(capture, path);
        if (document.TraceId == capture.TraceId)
        {
            if (IsDirectoryFull())
            {
                return new CaseResult(CaseOutcome.DirectoryFull);
            }

            var run = ReadRun(capture.TraceId, fragments.Spans.Build(), fragments.Logs.Build());
            using var held = CaseLock.Take(_directory.Root);
            document = ReadDocument(path) ?? document;
            return WriteFirstTrace(capture, path, document, fragments, run, isNew: false)
                ? new CaseResult(CaseOutcome.Updated, document.Failure, path)
                : new CaseResult(CaseOutcome.Unchanged, document.Failure, path);
        }

        if (document.Traces.Exists(trace => trace.TraceId == capture.TraceId) && !IsDirectoryFull())
        {
            using var held = CaseLock.Take(_directory.Root);
            return WriteFurtherTrace(path, capture.TraceId, fragments)
                ? new CaseResult(CaseOutcome.Updated, document.Failure, path)
                : new CaseResult(CaseOutcome.Unchanged, document.Failure, path);
        }

        // It was counted and not kept. What is said of it now may be new to the case.
        return capture.Verdicts.Exists(verdict => !document.Verdicts.Exists(other => other.Failure == verdict.Failure)) && fragments.Spans.ItemCount > 0
            ? Occur(capture, known!, fragments, ReadRun(capture.TraceId, fragments.Spans.Build(), fragments.Logs.Build()), isRepeated: true)
            : new CaseResult(CaseOutcome.Unchanged, document.Failure, path);
    }

    /// <summary>One occurrence more: counted, and looked at for what the case lacks.</summary>
    private CaseResult Occur(Capture capture, KnownCase known, Fragments fragments, AgentRun run, bool isRepeated)
    {
        var facts = FactsOf(capture, run);
        if (!isRepeated)
        {
            var last = new SeenFile(1, SeenAt(capture, facts), facts.Version, capture.TraceId.ToString());
            known.Uncounted = known.Uncounted?.With(last) ?? last;
            _metrics.Occurred(known.Life.Status.Name());
            _known.Remember(capture.TraceId, known.Path);
        }

        var failure = Path.GetFileName(Path.GetDirectoryName(known.Path)!);
        var result = new CaseResult(CaseOutcome.Counted, failure, known.Path);
        if (known.Life.IsQuiet)
        {
            return result;
        }

        var isRegression = known.Life.IsRegression(facts.Version, known.Versions, facts.StartedAt);
        var isNews = isRepeated || IsMissing(known.Versions, facts.Version) || IsMissing(known.Services, facts.Service) || IsMissing(known.Models, facts.Model);
        var isOfAnotherKind = known.TraceCount < _options.TracesPerCase && !known.Kinds.Contains((facts.Shape, facts.Input));
        if (!isRegression && !isNews && !isOfAnotherKind)
        {
            return result;
        }

        if (!isRegression && !known.Updates.TryTake())
        {
            _metrics.UpdateLimited();
            return result;
        }

        using var held = CaseLock.Take(_directory.Root);
        if (ReadDocument(known.Path) is not { } document)
        {
            return result;
        }

        CaseDocument.AddTo(document.Versions, Redactor().Redact(facts.Version));
        CaseDocument.AddTo(document.Services, Redactor().Redact(facts.Service));
        CaseDocument.AddTo(document.Models, Redactor().Redact(facts.Model));
        foreach (var verdict in capture.Verdicts)
        {
            // Of another trace than the case's own: what was found, without the span.
            if (!document.Verdicts.Exists(other => other.Failure == verdict.Failure))
            {
                document.Add(Redacted(verdict) with { SpanId = default, Origin = default });
            }
        }

        // Asked again: a person may have changed it meanwhile.
        isRegression = document.Life.IsRegression(facts.Version, known.Versions, facts.StartedAt);
        if (isRegression)
        {
            document.Life = document.Life with { Status = CaseStatus.Regressed, Since = _time.GetUtcNow(), Reason = facts.Version.Length > 0 ? $"seen again in version {Redactor().Redact(facts.Version)}" : "seen again" };
            _metrics.CaseRegressed();
        }

        if (_options.TracesPerCase > 0 && !IsDirectoryFull())
        {
            Keep(document, known.Path, capture.TraceId, fragments, facts);
        }

        _directory.Write(known.Path, CaseDirectory.CaseFile, document.Write);
        _metrics.DirectoryMeasured(_directory.Bytes);
        Know(known.Path, document, StampOf(known.Path));
        return result with { Outcome = isRegression ? CaseOutcome.Regressed : CaseOutcome.Updated };
    }

    private static bool IsMissing(string[] list, string value) => value.Length > 0 && list.Length < ListMax && !list.Contains(value);

    private void Keep(CaseDocument document, string path, in TraceId traceId, Fragments fragments, in RunFacts facts)
    {
        Directory.CreateDirectory(Path.Combine(path, CaseDirectory.TracesFolder));
        WriteFurtherTrace(path, traceId, fragments);
        var id = traceId;
        document.Traces.RemoveAll(trace => trace.TraceId == id || !File.Exists(FileOf(path, trace.TraceId)));
        document.Traces.Add(new KeptTrace(traceId, Redactor().Redact(facts.Version), Redactor().Redact(facts.Model), facts.Shape, facts.Input, _time.GetUtcNow()));
        _metrics.TraceKept();
        while (document.Traces.Count > _options.TracesPerCase)
        {
            Remove(path, document.Traces[0].TraceId);
            document.Traces.RemoveAt(0);
            _metrics.TracesRemoved(TraceRemoveReason.Replaced, 1);
        }
    }

    private static string FileOf(string path, in TraceId traceId) => Path.Combine(path, CaseDirectory.TracesFolder, $"{traceId}.json");

    private void Remove(string path, in TraceId traceId)
    {
        _directory.Delete(FileOf(path, traceId));
        _directory.Delete(Path.Combine(path, CaseDirectory.TracesFolder, $"{traceId}.logs.json"));
    }

    /// <summary>False: everything was there already.</summary>
    private bool WriteFurtherTrace(string path, in TraceId traceId, Fragments fragments)
    {
        var folder = Path.Combine(path, CaseDirectory.TracesFolder);
        var spans = Join(Signal.Traces, folder, $"{traceId}.json", fragments.Spans, traceId);
        var logs = Join(Signal.Logs, folder, $"{traceId}.logs.json", fragments.Logs, traceId);
        WriteTelemetry(Signal.Traces, folder, $"{traceId}.json", spans);
        WriteTelemetry(Signal.Logs, folder, $"{traceId}.logs.json", logs);
        return spans.IsChanged || logs.IsChanged;
    }

    /// <summary>False: everything was there already.</summary>
    private bool WriteFirstTrace(Capture capture, string path, CaseDocument document, Fragments fragments, AgentRun recorded, bool isNew)
    {
        var hasNewVerdict = false;
        foreach (var verdict in capture.Verdicts)
        {
            hasNewVerdict |= document.Add(Redacted(verdict));
        }

        document.VerdictsOmitted += capture.VerdictsOmitted;
        var spans = Join(Signal.Traces, path, CaseDirectory.TraceFile, fragments.Spans, capture.TraceId);
        var logs = Join(Signal.Logs, path, CaseDirectory.LogsFile, fragments.Logs, capture.TraceId);

        // By the counts, not by what was joined just now: an attempt before this one may have failed half-way.
        if (!isNew && !hasNewVerdict && document.SpanCount == spans.Count && document.LogCount == logs.Count)
        {
            return false;
        }

        fragments.IsMalformed |= !WriteTelemetry(Signal.Traces, path, CaseDirectory.TraceFile, spans);
        fragments.IsMalformed |= !WriteTelemetry(Signal.Logs, path, CaseDirectory.LogsFile, logs);
        document.UpdatedAt = isNew ? null : _time.GetUtcNow();
        Describe(document, capture, fragments, spans, logs, isNew);
        var facts = FactsOf(capture, recorded);
        CaseDocument.AddTo(document.Versions, Redactor().Redact(facts.Version));
        CaseDocument.AddTo(document.Models, Redactor().Redact(facts.Model));

        // Last: a case.json tells that the rest of the case is there.
        _directory.Write(path, CaseDirectory.CaseFile, document.Write);
        _metrics.DirectoryMeasured(_directory.Bytes);
        if (isNew)
        {
            _metrics.Occurred(document.Life.Status.Name());
        }

        Know(path, document, StampOf(path));
        return true;
    }

    private Redactor Redactor()
    {
        if (_redactor is null)
        {
            _directory.Create(_directory.Root);
            _redactor = new Redactor(_options.Redact, RedactionKey.For(_options.Redact, _directory.Root));
        }

        return _redactor;
    }

    private Verdict Redacted(in Verdict verdict)
    {
        var redactor = Redactor();
        return verdict with
        {
            Label = verdict.Label is null ? null : redactor.Redact(verdict.Label),
            Explanation = verdict.Explanation is null ? null : redactor.Redact(verdict.Explanation),
            Evidence = [.. verdict.Evidence.Select(redactor.Redact)],
        };
    }

    private bool IsDirectoryFull()
    {
        if (_options.DirectoryBytesMax == 0 || _directory.Bytes < _options.DirectoryBytesMax)
        {
            return false;
        }

        // People may have made room. Looking costs a walk through the folder, so not for each case.
        if (_measuredAt is not { } measuredAt || _time.GetElapsedTime(measuredAt) >= MeasureInterval)
        {
            _measuredAt = _time.GetTimestamp();
            _directory.Measure();
            if (_directory.DeleteOldestTraces((long)(_options.DirectoryBytesMax * RoomAfterTrimming)) is > 0 and var deleted)
            {
                _metrics.TracesRemoved(TraceRemoveReason.DirectoryFull, deleted);
            }

            _metrics.DirectoryMeasured(_directory.Bytes);
        }

        return _directory.Bytes >= _options.DirectoryBytesMax;
    }

    /// <param name="casePath">The case that has the trace already; null when it is new.</param>
    private Fragments Assemble(Capture capture, string? casePath = null)
    {
        var fragments = new Fragments(capture.TraceId, _options.TraceBytesMax);
        _recorder?.Visit(capture.TraceId, fragments, static (in fragment, into) =>
        {
            var assembler = fragment.Signal == Signal.Logs ? into.Logs : into.Spans;
            into.IsMalformed |= !assembler.TryAdd(fragment.Request);
        });
        if (capture.Fetched is { } fetched)
        {
            AddFetched(fetched, fragments, casePath, capture.TraceId);
        }

        return fragments;
    }

    private static void AddFetched(FetchedTrace fetched, Fragments fragments, string? casePath, in TraceId traceId)
    {
        byte[] Known(Signal signal, TraceAssembler recorded, params ReadOnlySpan<string> files)
        {
            var known = new ArrayBufferWriter<byte>();
            known.Write(recorded.Build());
            foreach (var file in files)
            {
                if (casePath is not null && CaseDirectory.Read(casePath, file) is { } json)
                {
                    // What cannot be read is set aside where it is joined.
                    OtlpJson.TryRead(signal, json, known, out _, Array.MaxLength);
                }
            }

            return known.WrittenSpan.ToArray();
        }

        try
        {
            var spans = FetchedItems.SpansNotIn(Known(Signal.Traces, fragments.Spans, CaseDirectory.TraceFile, $"{CaseDirectory.TracesFolder}/{traceId}.json"), fetched.Spans);
            var logs = FetchedItems.LogsNotIn(Known(Signal.Logs, fragments.Logs, CaseDirectory.LogsFile, $"{CaseDirectory.TracesFolder}/{traceId}.logs.json"), fetched.Logs);
            var before = fragments.Spans.ItemCount + fragments.Logs.ItemCount;
            fragments.IsMalformed |= !fragments.Spans.TryAdd(spans) | !fragments.Logs.TryAdd(logs);
            fragments.Fetched = fragments.Spans.ItemCount + fragments.Logs.ItemCount > before ? fetched : null;
        }
        catch (Google.Protobuf.InvalidProtocolBufferException)
        {
            fragments.IsMalformed = true;
        }
    }

    /// <summary>When it was seen: now, and of what is fetched from the past, then.</summary>
    private DateTimeOffset SeenAt(Capture capture, in RunFacts facts) =>
        capture.Fetched is not null && facts.StartedAt > DateTimeOffset.UnixEpoch && facts.StartedAt < _time.GetUtcNow() ? facts.StartedAt : _time.GetUtcNow();

    private static AgentRun ReadRun(in TraceId traceId, byte[] spans, byte[] logs) => ReadRun(spans, logs) ?? new AgentRun(traceId, []);

    private static AgentRun? ReadRun(byte[] spans, byte[] logs) => AgentRunReader.Read(spans, logs, RunLimits.Default) is [var run, ..] ? run : null;

    private static RunFacts FactsOf(Capture capture, AgentRun run)
    {
        var primary = capture.Verdicts.Exists(static verdict => !FailureKind.IsMark(verdict.Failure)) ? CaseGroup.PrimaryOf(capture.Verdicts, run).SpanId : default;
        var step = run.Find(primary) ?? (run.Steps.Count > 0 ? run.Steps[0] : null);
        var started = run.Steps.Count > 0 ? run.Steps.Where(other => other.StartUnixNano > 0).Select(other => other.StartUnixNano).DefaultIfEmpty().Min() : 0;
        return new RunFacts(
            Cut(step?.Service ?? ""),
            Cut(step?.ServiceVersion ?? ""),
            Cut(step?.Model ?? run.Steps.FirstOrDefault(other => other.Model is { Length: > 0 })?.Model ?? ""),
            RunShape.Of(run),
            RunShape.OfInput(run),
            DateTimeOffset.UnixEpoch.AddTicks((long)(started / 100)));
    }

    // The trace has names whole; a list of them must stay one that people read.
    private static string Cut(string name)
    {
        const int NameMax = 256;
        return name.Cut(NameMax, "\u2026");
    }

    /// <summary>The items of a file of the case and, behind them, those of the recorder that are not in it, redacted.</summary>
    private Joined Join(Signal signal, string path, string fileName, TraceAssembler recorded, in TraceId traceId)
    {
        var redacted = new TraceAssembler(signal, traceId, Array.MaxLength);
        redacted.TryAdd(Redacted(signal, recorded.Build()));
        var isTooLarge = recorded.IsTooLarge;
        if (CaseDirectory.Read(path, fileName) is not { } json)
        {
            return Joined.Of(redacted, 0, isTooLarge);
        }

        var existing = new ArrayBufferWriter<byte>();
        if (!OtlpJson.TryRead(signal, json, existing, out var error, Array.MaxLength))
        {
            SetAside(path, fileName, $"{error.Message} at byte {error.ByteOffset}");
            return Joined.Of(redacted, 0, isTooLarge);
        }

        // Both went through JSON: so equal spans have equal bytes, whatever order their sender wrote the fields in.
        // The limit is for what is new: what the case has stays, whatever the limit was then.
        var joined = new TraceAssembler(signal, null, Array.MaxLength);
        joined.TryAdd(existing.WrittenSpan);
        var before = joined.ItemCount;
        joined.BytesMax = _options.TraceBytesMax;
        joined.TryAdd(ThroughJson(signal, redacted.Build()));
        return Joined.Of(joined, before, isTooLarge);
    }

    private byte[] Redacted(Signal signal, byte[] request)
    {
        var redactor = Redactor();
        redactor.ResetCounts();
        var redacted = new RequestRedactor(redactor).Redact(signal, request);
        for (var kind = 0; kind < redactor.Counts.Length; kind++)
        {
            if (redactor.Counts[kind] > 0)
            {
                _metrics.Redacted(kind, redactor.Counts[kind]);
            }
        }

        return redacted;
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
        if (document.Services.Count == 0)
        {
            CaseDocument.AddTo(document.Services, summary.ServiceOf(document.Verdicts.FirstOrDefault()?.SpanId ?? default));
        }

        for (var i = 0; i < document.Verdicts.Count; i++)
        {
            var verdict = document.Verdicts[i];
            document.Verdicts[i] = verdict with { SpanName = summary.NameOf(verdict.SpanId) ?? verdict.SpanName };
        }

        // Of the redacted trace: so nothing comes back here that was taken out there.
        var run = ReadRun(spans.Request, logs.Request);
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
        if (_recorder is not { HasForgotten: true, OldestUnixNano: > 0 and var oldest } || capture.Fetched is not null)
        {
            return false;
        }

        var since = UnixTime.Now(_time) - UnixTime.ToNanoseconds(_time.GetElapsedTime(capture.ScheduledAt));
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
        _metrics.FileSetAside();
        _logger.FileSetAside(Path.Combine(path, fileName), problem, aside);
    }

    /// <summary>By what an occurrence may differ from the others of its case.</summary>
    private readonly record struct RunFacts(string Service, string Version, string Model, string Shape, string Input, DateTimeOffset StartedAt);

    /// <summary>All that is known of the trace's spans, or of its logs.</summary>
    private readonly record struct Joined(byte[] Request, int Count, bool IsTooLarge, bool IsChanged)
    {
        public static Joined Of(TraceAssembler items, int countBefore, bool isTooLarge) =>
            new(items.Build(), items.ItemCount, isTooLarge || items.IsTooLarge, items.ItemCount > countBefore);
    }

    private sealed class Fragments(in TraceId traceId, int bytesMax)
    {
        public TraceAssembler Spans { get; } = new(Signal.Traces, traceId, bytesMax);

        public TraceAssembler Logs { get; } = new(Signal.Logs, traceId, bytesMax);

        public bool IsMalformed { get; set; }

        /// <summary>Where a part of it does not come from the recorder.</summary>
        public FetchedTrace? Fetched { get; set; }
    }
}
