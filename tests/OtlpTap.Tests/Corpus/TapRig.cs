using System.Buffers;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Logs.V1;
using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Buffers;
using OtlpTap.Corpus.Journal;
using OtlpTap.Corpus;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Scan;
using Prometheus;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Corpus;

using OtlpTap.Recorder;
using OtlpTap.Tee;

/// <summary>
/// Everything behind the request path, on a clock and in a folder of its own: scan, tee, recorder, schedule, writer.
/// Spans with status ERROR are <c>tool_error</c>s, those named "refused" are <c>refusal</c>s.
/// </summary>
internal sealed class TapRig : IDisposable
{
    private static readonly Rule[] RulesInForce =
    [
        new("tool_failed", "tool_error", RuleContext.Span, "span.status.code == 2"),
        new("said_no", "refusal", RuleContext.Span, "span.name == \"refused\""),
        new("seen_only", "other", RuleContext.Span, "span.name == \"step 1\"", Tee: false),
    ];

    private readonly PayloadPool _payloads = new();
    private readonly ScanResultPool _scans = new();
    private readonly RequestScanner _scanner;
    private readonly CaptureJournal? _journal;

    public TapRig(CorpusOptions? corpus = null, RecorderOptions? recorder = null, TeeOptions? tee = null, CaseHandler? written = null, TapRig? before = null)
    {
        Time = before?.Time ?? new PatientTime(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero));
        Folder = before?.Folder ?? Path.Combine(Path.GetTempPath(), "otlptap-tests", Guid.NewGuid().ToString("n"));
        Corpus = (corpus ?? new CorpusOptions()) with { Directory = Path.Combine(Folder, "cases") };
        var problems = new List<RuleProblem>();
        _scanner = new RequestScanner(CompiledRules.Compile(RulesInForce, problems) ?? throw new InvalidOperationException(string.Join('\n', problems)));
        var factory = Prometheus.Metrics.WithCustomRegistry(Registry);
        var recorderMetrics = new RecorderMetrics(factory);
        Metrics = new CorpusMetrics(factory);
        Tee = new Tee(tee ?? new TeeOptions(), new TeeMetrics(factory), Time);
        Recorder = new Recorder(recorder ?? new RecorderOptions { SizeBytesMax = 16 << 20, SegmentBytes = 64 << 10 }, recorderMetrics, Time, RecorderLog);
        if (Recorder.Directory is { } directory)
        {
            _journal = new CaptureJournal(directory, Recorder.RingId, () => Recorder.LastPosition, Metrics, Time, JournalLog);
        }

        Scheduler = new CaptureScheduler(Corpus, Metrics, Time, _journal);
        Resumption = _journal is null ? null : new CaptureResumption(_journal, Scheduler, Recorder, _scanner.Rules, Metrics, ResumptionLog);
        Resumption?.Begin();
        Loop = new RecorderLoop(Tee, Recorder, Recorded, _scans, recorderMetrics, Time, RecorderLog);
        Captures = Restarted(written);
    }

    public CollectorRegistry Registry { get; } = Prometheus.Metrics.NewCustomRegistry();

    public PatientTime Time { get; }

    public string Folder { get; }

    public CorpusOptions Corpus { get; }

    public CorpusMetrics Metrics { get; }

    public Tee Tee { get; }

    public Recorder Recorder { get; }

    public RecorderLoop Loop { get; }

    public CaptureScheduler Scheduler { get; private set; }

    public CaptureLoop Captures { get; private set; }

    /// <summary>Where the recorder is in files: what the process before left. Its journal is read, the ring not yet looked at.</summary>
    public CaptureResumption? Resumption { get; }

    public ListLogger<CaptureJournal> JournalLog { get; } = new();

    public ListLogger<CaptureResumption> ResumptionLog { get; } = new();

    public ListLogger<RecorderLoop> RecorderLog { get; } = new();

    public ListLogger<CaptureLoop> CaptureLog { get; } = new();

    public ListLogger<CaseWriter> WriterLog { get; } = new();

    /// <summary>Called before the scheduler, to make a handler fail.</summary>
    public Action<TeeItem>? BeforeSchedule { get; set; }

    /// <summary>The same folder and recorder, nothing else remembered.</summary>
    public void Restart()
    {
        Scheduler = new CaptureScheduler(Corpus, Metrics, Time);
        Captures = Restarted(null);
    }

    public void Receive(params IEnumerable<Span> spans) => Receive(Telemetry.Request(spans));

    public void Receive(params IEnumerable<LogRecord> records) => Receive(Telemetry.Request(records));

    public void Receive(ExportTraceServiceRequest request) => Assert.True(TryReceive(Signal.Traces, request.ToByteArray()));

    public void Receive(ExportLogsServiceRequest request) => Assert.True(TryReceive(Signal.Logs, request.ToByteArray()));

    /// <summary>What the request path does, and then at once what the recorder's loop does.</summary>
    public bool TryReceive(Signal signal, byte[] request, RecordedSignal? recorded = null)
    {
        var taken = TryOffer(signal, request, recorded);
        Loop.HandleWaiting();
        return taken;
    }

    public bool TryOffer(Signal signal, byte[] request, RecordedSignal? recorded = null)
    {
        var payload = _payloads.Rent(request.Length);
        request.CopyTo(payload.Writable);
        var scan = _scans.Rent();
        Assert.True(_scanner.TryScan(signal, payload.Span, scan, out _));
        var taken = Tee.TryOffer(signal, payload, scan, Time.GetTimestamp(), recorded);
        payload.Release();
        return taken;
    }

    /// <summary>Lets the time pass and writes what is due then.</summary>
    public void Pass(double seconds)
    {
        Time.Advance(TimeSpan.FromSeconds(seconds));
        Captures.WriteDue();
    }

    public void Settle() => Pass(Corpus.Settle.TotalSeconds);

    /// <summary>The folder of the case whose first trace this is; before there is one, where a case of "step 1" will be.</summary>
    public string CasePath(int trace, string failure = "tool_error") =>
        CaseFolders().FirstOrDefault(path => Path.GetFileName(Path.GetDirectoryName(path)) == failure && ReadCase(path)?.TraceId == Telemetry.Trace(trace))
        ?? Path.Combine(Corpus.Directory, failure, new CaseGroup(failure, "weather-agent", "step 1", "", "no answer").Fingerprint);

    /// <summary>All folders with a case, by path.</summary>
    public string[] CaseFolders() => Directory.Exists(Corpus.Directory)
        ? [.. Directory.GetFiles(Corpus.Directory, "case.json", SearchOption.AllDirectories).Select(file => Path.GetDirectoryName(file)!).Order(StringComparer.Ordinal)]
        : [];

    public static CaseDocument? ReadCase(string path) => CaseStore.Read(path, out _);

    public bool HasCase(int trace, string failure = "tool_error") => CaseFolders().Any(path => Path.GetFileName(Path.GetDirectoryName(path)) == failure && ReadCase(path)?.TraceId == Telemetry.Trace(trace));

    public JsonElement Case(int trace, string failure = "tool_error")
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(CasePath(trace, failure), "case.json")));
        return json.RootElement.Clone();
    }

    public ExportTraceServiceRequest TraceIn(int trace, string failure = "tool_error") =>
        ExportTraceServiceRequest.Parser.ParseFrom(ReadOtlpJson(Signal.Traces, Path.Combine(CasePath(trace, failure), "trace.json")));

    public ExportLogsServiceRequest LogsIn(int trace, string failure = "tool_error") =>
        ExportLogsServiceRequest.Parser.ParseFrom(ReadOtlpJson(Signal.Logs, Path.Combine(CasePath(trace, failure), "logs.json")));

    /// <summary>Numbers of the spans in the trace's case.</summary>
    public IEnumerable<int> SpansIn(int trace, string failure = "tool_error") =>
        Telemetry.SpansIn(TraceIn(trace, failure)).Select(span => (int)span.SpanId[^1] | (span.SpanId[^2] << 8) | (span.SpanId[^3] << 16)).Order();

    public string[] Incomplete(int trace) =>
        [.. Case(trace).GetProperty("incomplete_because").EnumerateArray().Select(reason => reason.GetString()!)];

    public double Value(string series) => MetricText.Value(Registry, series);

    public void Dispose()
    {
        Recorder.Dispose();
        _journal?.Dispose();
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    private static ReadOnlySpan<byte> ReadOtlpJson(Signal signal, string path)
    {
        var request = new ArrayBufferWriter<byte>();
        Assert.True(OtlpJson.TryRead(signal, File.ReadAllBytes(path), request, out var error), error.ToString());
        return request.WrittenSpan;
    }

    private CaptureLoop Restarted(CaseHandler? written) =>
        new(Corpus, Scheduler, new CaseWriter(Corpus, Recorder, Metrics, Time, WriterLog), Metrics, Time, CaptureLog, written);

    private void Recorded(in TeeItem item)
    {
        BeforeSchedule?.Invoke(item);
        Scheduler.Recorded(item);
    }
}
