using Microsoft.Extensions.Logging;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

using OtlpTap.Recorder;

/// <summary>
/// Makes a case of a capture, or counts it as an occurrence of a case that is there: all of its trace that the recorder
/// holds, redacted, joined with what the case has already. Nothing that was in a case is lost by writing it again: the
/// union is made from its own files, and a file that cannot be read is renamed. Not thread-safe; file system errors come
/// out as exceptions, and the capture can be tried again.
/// </summary>
internal sealed class CaseWriter
{
    private const int ListMax = 20;

    private readonly CorpusOptions _options;
    private readonly Recorder? _recorder;
    private readonly CorpusMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly CaseDirectory _directory;
    private readonly DirectoryRoom _room;
    private readonly CaseMemory _memory;
    private readonly CaseRedactor _redactor;
    private readonly CaseTelemetry _telemetry;
    private readonly CaseDescription _description;
    private readonly HourlyLimit _newCases;

    /// <param name="recorder">Null where all traces come with their captures.</param>
    public CaseWriter(CorpusOptions options, Recorder? recorder, CorpusMetrics metrics, TimeProvider time, ILogger<CaseWriter> logger)
    {
        _options = options;
        _recorder = recorder;
        _metrics = metrics;
        _time = time;
        _directory = new CaseDirectory(options.Directory);
        _room = new DirectoryRoom(options.DirectoryBytesMax, _directory, metrics, time);
        var broken = new BrokenFiles(metrics, logger);
        _memory = new CaseMemory(options, _directory, broken, metrics, time, logger);
        _redactor = new CaseRedactor(options.Redact, _directory, metrics);
        _telemetry = new CaseTelemetry(_directory, _redactor, broken, options.TraceBytesMax);
        _description = new CaseDescription(recorder, time);
        _newCases = new HourlyLimit(options.CasesPerHourMax, time);
    }

    public CaseResult Write(Capture capture)
    {
        _memory.ReadIndex();
        _memory.WriteCountsOfLeaving();
        var counted = _memory.CaseOf(capture.TraceId);
        if (counted is not null && File.Exists(Path.Combine(counted, CaseDirectory.CaseFile)))
        {
            return Complete(capture, counted);
        }

        // Late spans bring no case back that people removed, and a mark alone makes none.
        if (!capture.Verdicts.Exists(static verdict => !FailureKind.IsMark(verdict.Failure)))
        {
            return new CaseResult(CaseOutcome.Unchanged);
        }

        var fragments = CaseFragments.Of(capture, _recorder, _options.TraceBytesMax);
        if (fragments.ItemCount == 0)
        {
            return new CaseResult(CaseOutcome.NotRecorded);
        }

        var run = fragments.ReadRun();
        var primary = CaseGroup.PrimaryOf(capture.Verdicts, run);
        var group = CaseGroup.Of(primary, run);
        var path = _directory.Find(group.Failure, group.Fingerprint) ?? _directory.PathFor(group.Failure, group.Fingerprint);
        if (_memory.Load(path) is not { } known)
        {
            return Create(capture, path, group, CaseTitle.Of(group, primary, run), fragments, run);
        }

        // Another tap may have met a part of this trace: it is one occurrence, and its spans belong together.
        if (known.Has(capture.TraceId))
        {
            _memory.Remember(capture.TraceId, path);
            return Complete(capture, path);
        }

        return Occur(capture, known, fragments, run, isRepeated: false);
    }

    /// <inheritdoc cref="CaseMemory.WriteCounts"/>
    public void WriteCounts() => _memory.WriteCounts();

    private CaseResult Create(Capture capture, string path, CaseGroup group, string title, CaseFragments fragments, AgentRun run)
    {
        if (_room.IsFull())
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
            if (!CaseMemory.IsCase(path))
            {
                return CreateHeld(capture, path, group, title, fragments, run);
            }
        }

        return Write(capture); // another tap made it meanwhile
    }

    private CaseResult CreateHeld(Capture capture, string path, CaseGroup group, string title, CaseFragments fragments, AgentRun run)
    {
        var now = _time.GetUtcNow();
        var document = new CaseDocument
        {
            Fingerprint = group.Fingerprint,
            TraceId = capture.TraceId,
            Title = _redactor.Text(title),
            Group = new CaseGroup(group.Failure, _redactor.Text(group.Agent), _redactor.Text(group.Subject), _redactor.Text(group.ErrorType), _redactor.Text(group.Message)),
            RecordedAt = now,
            FirstSeen = SeenAt(capture, RunFacts.Of(capture, run)),
            Shape = RunShape.Of(run),
            Input = RunShape.OfInput(run),
        };
        _telemetry.SetAsideOthers(path, capture.TraceId);
        WriteFirstTrace(capture, path, document, fragments, run, isNew: true);
        _memory.Remember(capture.TraceId, path);
        return new CaseResult(CaseOutcome.Written, document.Failure, path);
    }

    /// <summary>Later spans, logs and verdicts of a trace that was met before.</summary>
    private CaseResult Complete(Capture capture, string path)
    {
        var known = _memory.Load(path);
        var document = known is null ? null : _memory.ReadDocument(path);
        if (document is null)
        {
            // Its file was broken and is set aside: it is written anew from what its folder and the recorder have.
            _memory.Remember(capture.TraceId, "");
            return capture.Verdicts.Count > 0 ? Write(capture) : new CaseResult(CaseOutcome.Unchanged);
        }

        var fragments = CaseFragments.Of(capture, _recorder, _options.TraceBytesMax, path);
        if (document.TraceId == capture.TraceId)
        {
            if (_room.IsFull())
            {
                return new CaseResult(CaseOutcome.DirectoryFull);
            }

            var run = fragments.ReadRun();
            using var held = CaseLock.Take(_directory.Root);
            document = _memory.ReadDocument(path) ?? document;
            return WriteFirstTrace(capture, path, document, fragments, run, isNew: false)
                ? new CaseResult(CaseOutcome.Updated, document.Failure, path)
                : new CaseResult(CaseOutcome.Unchanged, document.Failure, path);
        }

        if (document.Traces.Exists(trace => trace.TraceId == capture.TraceId) && !_room.IsFull())
        {
            using var held = CaseLock.Take(_directory.Root);
            return _telemetry.WriteFurther(path, fragments)
                ? new CaseResult(CaseOutcome.Updated, document.Failure, path)
                : new CaseResult(CaseOutcome.Unchanged, document.Failure, path);
        }

        // It was counted and not kept. What is said of it now may be new to the case.
        return capture.Verdicts.Exists(verdict => !document.Verdicts.Exists(other => other.Failure == verdict.Failure)) && fragments.Spans.ItemCount > 0
            ? Occur(capture, known!, fragments, fragments.ReadRun(), isRepeated: true)
            : new CaseResult(CaseOutcome.Unchanged, document.Failure, path);
    }

    /// <summary>One occurrence more: counted, and looked at for what the case lacks.</summary>
    private CaseResult Occur(Capture capture, KnownCase known, CaseFragments fragments, AgentRun run, bool isRepeated)
    {
        var facts = RunFacts.Of(capture, run);
        if (!isRepeated)
        {
            var last = new SeenFile(1, SeenAt(capture, facts), facts.Version, capture.TraceId.ToString());
            known.Uncounted = known.Uncounted?.With(last) ?? last;
            _metrics.Occurred(known.Life.Status.Name());
            _memory.Remember(capture.TraceId, known.Path);
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

        return Update(capture, known, fragments, facts) is { } outcome ? result with { Outcome = outcome } : result;
    }

    /// <summary>Adds to a case what it lacks of an occurrence. Null: it has gone, or was broken.</summary>
    private CaseOutcome? Update(Capture capture, KnownCase known, CaseFragments fragments, in RunFacts facts)
    {
        using var held = CaseLock.Take(_directory.Root);
        if (_memory.ReadDocument(known.Path) is not { } document)
        {
            return null;
        }

        CaseDocument.AddTo(document.Versions, _redactor.Text(facts.Version));
        CaseDocument.AddTo(document.Services, _redactor.Text(facts.Service));
        CaseDocument.AddTo(document.Models, _redactor.Text(facts.Model));
        foreach (var verdict in capture.Verdicts)
        {
            // Of another trace than the case's own: what was found, without the span.
            if (!document.Verdicts.Exists(other => other.Failure == verdict.Failure))
            {
                document.Add(_redactor.Verdict(verdict) with { SpanId = default, Origin = default });
            }
        }

        // Asked again: a person may have changed it meanwhile.
        var isRegression = document.Life.IsRegression(facts.Version, known.Versions, facts.StartedAt);
        if (isRegression)
        {
            document.Life = document.Life with { Status = CaseStatus.Regressed, Since = _time.GetUtcNow(), Reason = facts.Version.Length > 0 ? $"seen again in version {_redactor.Text(facts.Version)}" : "seen again" };
            _metrics.CaseRegressed();
        }

        if (_options.TracesPerCase > 0 && !_room.IsFull())
        {
            Keep(document, known.Path, fragments, facts);
        }

        _directory.Write(known.Path, CaseDirectory.CaseFile, document.Write);
        _metrics.DirectoryMeasured(_directory.Bytes);
        _memory.Know(known.Path, document);
        return isRegression ? CaseOutcome.Regressed : CaseOutcome.Updated;
    }

    private static bool IsMissing(string[] list, string value) => value.Length > 0 && list.Length < ListMax && !list.Contains(value);

    private void Keep(CaseDocument document, string path, CaseFragments fragments, in RunFacts facts)
    {
        Directory.CreateDirectory(Path.Combine(path, CaseDirectory.TracesFolder));
        _telemetry.WriteFurther(path, fragments);
        var id = fragments.TraceId;
        document.Traces.RemoveAll(trace => trace.TraceId == id || !CaseTelemetry.HasFurther(path, trace.TraceId));
        document.Traces.Add(new KeptTrace(id, _redactor.Text(facts.Version), _redactor.Text(facts.Model), facts.Shape, facts.Input, _time.GetUtcNow()));
        _metrics.TraceKept();
        while (document.Traces.Count > _options.TracesPerCase)
        {
            _telemetry.RemoveFurther(path, document.Traces[0].TraceId);
            document.Traces.RemoveAt(0);
            _metrics.TracesRemoved(TraceRemoveReason.Replaced, 1);
        }
    }

    /// <summary>False: everything was there already.</summary>
    private bool WriteFirstTrace(Capture capture, string path, CaseDocument document, CaseFragments fragments, AgentRun recorded, bool isNew)
    {
        var hasNewVerdict = false;
        foreach (var verdict in capture.Verdicts)
        {
            hasNewVerdict |= document.Add(_redactor.Verdict(verdict));
        }

        document.VerdictsOmitted += capture.VerdictsOmitted;
        var spans = _telemetry.Join(Signal.Traces, path, CaseDirectory.TraceFile, fragments.Spans, capture.TraceId);
        var logs = _telemetry.Join(Signal.Logs, path, CaseDirectory.LogsFile, fragments.Logs, capture.TraceId);

        // By the counts, not by what was joined just now: an attempt before this one may have failed half-way.
        if (!isNew && !hasNewVerdict && document.SpanCount == spans.Count && document.LogCount == logs.Count)
        {
            return false;
        }

        fragments.IsMalformed |= !_telemetry.Write(Signal.Traces, path, CaseDirectory.TraceFile, spans);
        fragments.IsMalformed |= !_telemetry.Write(Signal.Logs, path, CaseDirectory.LogsFile, logs);
        document.UpdatedAt = isNew ? null : _time.GetUtcNow();
        _description.Write(document, capture, fragments, spans, logs, isNew);
        var facts = RunFacts.Of(capture, recorded);
        CaseDocument.AddTo(document.Versions, _redactor.Text(facts.Version));
        CaseDocument.AddTo(document.Models, _redactor.Text(facts.Model));

        // Last: a case.json tells that the rest of the case is there.
        _directory.Write(path, CaseDirectory.CaseFile, document.Write);
        _metrics.DirectoryMeasured(_directory.Bytes);
        if (isNew)
        {
            _metrics.Occurred(document.Life.Status.Name());
        }

        _memory.Know(path, document);
        return true;
    }

    /// <summary>When it was seen: now, and of what is fetched from the past, then.</summary>
    private DateTimeOffset SeenAt(Capture capture, in RunFacts facts) =>
        capture.Fetched is not null && facts.StartedAt > DateTimeOffset.UnixEpoch && facts.StartedAt < _time.GetUtcNow() ? facts.StartedAt : _time.GetUtcNow();
}
