using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Corpus;
using OtlpTap.Detectors;
using OtlpTap.Metrics;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Tests.Causes;
using OtlpTap.Verdicts;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Corpus;

/// <summary>A captured scenario of one instrumentation, and what the tap makes of it.</summary>
internal sealed record FixtureScenario(string Instrumentation, string Name, ExportTraceServiceRequest Spans, ExportLogsServiceRequest Logs)
{
    private const string SpansSuffix = ".traces.otlp.pb";

    public static string Folder => Path.Combine(AppContext.BaseDirectory, "fixtures");

    /// <summary>Instrumentations that there are captures of.</summary>
    public static IEnumerable<string> Instrumentations =>
        Directory.GetDirectories(Folder).Where(path => Directory.GetFiles(path, "*" + SpansSuffix).Length > 0).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);

    public static IEnumerable<FixtureScenario> Of(string instrumentation) =>
        from file in Directory.GetFiles(Path.Combine(Folder, instrumentation), "*" + SpansSuffix).Order(StringComparer.Ordinal)
        let name = Path.GetFileName(file)[..^SpansSuffix.Length]
        let logs = Path.Combine(Folder, instrumentation, name + ".logs.otlp.pb")
        select new FixtureScenario(
            instrumentation,
            name,
            ExportTraceServiceRequest.Parser.ParseFrom(File.ReadAllBytes(file)),
            File.Exists(logs) ? ExportLogsServiceRequest.Parser.ParseFrom(File.ReadAllBytes(logs)) : new ExportLogsServiceRequest());

    /// <summary>Its runs with all that the packs' rules and the detectors say of them, as on the line.</summary>
    public IEnumerable<(AgentRun Run, IReadOnlyList<Verdict> Verdicts)> Judged()
    {
        var (spans, logs) = (Spans.ToByteArray(), Logs.ToByteArray());
        var options = new DetectorOptions { TraceTimeMax = TimeSpan.FromMinutes(5) };
        var metrics = new DetectorMetrics(Prometheus.Metrics.WithCustomRegistry(Prometheus.Metrics.NewCustomRegistry()));
        var judge = new TraceJudge(options, DetectorSet.All(options, TimeProvider.System, TimeSpan.Zero), CauseAnalysis.Find, metrics, new ProcessorClock(), NullLogger<TraceJudge>.Instance);
        foreach (var run in AgentRunReader.Read(spans, logs, RunLimits.Default))
        {
            var byRules = new List<Verdict>();
            var rules = new RuleMatches();
            rules.AddTo(byRules, Marked.Packs.Value, Signal.Traces, Only(run.TraceId).ToByteArray());
            rules.AddTo(byRules, Marked.Packs.Value, Signal.Logs, OnlyLogs(run.TraceId).ToByteArray());
            yield return (run, judge.Judge(run, byRules));
        }
    }

    /// <summary>The case of its first failing run with its title; null where nothing failed.</summary>
    public (CaseGroup Group, string Title)? Case()
    {
        foreach (var (run, verdicts) in Judged())
        {
            if (verdicts.Any(verdict => !FailureKind.IsMark(verdict.Failure)))
            {
                var primary = CaseGroup.PrimaryOf(verdicts, run);
                var group = CaseGroup.Of(primary, run);
                return (group, CaseTitle.Of(group, primary, run));
            }
        }

        return null;
    }

    /// <summary>The same scenario in another run: other ids, later.</summary>
    public FixtureScenario Again(int seed)
    {
        var (spans, logs) = (Spans.Clone(), Logs.Clone());
        foreach (var span in SpansOf(spans))
        {
            span.TraceId = Other(span.TraceId, seed);
            span.SpanId = Other(span.SpanId, seed);
            span.ParentSpanId = Other(span.ParentSpanId, seed);
            span.StartTimeUnixNano += Later(seed);
            span.EndTimeUnixNano += Later(seed);
            foreach (var link in span.Links)
            {
                link.TraceId = Other(link.TraceId, seed);
                link.SpanId = Other(link.SpanId, seed);
            }

            foreach (var spanEvent in span.Events)
            {
                spanEvent.TimeUnixNano += Later(seed);
            }
        }

        foreach (var record in RecordsOf(logs))
        {
            record.TraceId = Other(record.TraceId, seed);
            record.SpanId = Other(record.SpanId, seed);
            record.TimeUnixNano += Later(seed);
        }

        return this with { Spans = spans, Logs = logs };
    }

    /// <summary>The same scenario about other things: what was asked, answered and said in errors has other values.</summary>
    public FixtureScenario WithOtherValues(params (string Text, string Other)[] values)
    {
        var (spans, logs) = (Spans.Clone(), Logs.Clone());
        foreach (var span in SpansOf(spans))
        {
            Change(span.Attributes);
            span.Events.ToList().ForEach(spanEvent => Change(spanEvent.Attributes));
            if (span.Status is { } status)
            {
                status.Message = Changed(status.Message);
            }
        }

        foreach (var record in RecordsOf(logs))
        {
            Change(record.Attributes);
            ChangeValue(record.Body);
        }

        return this with { Spans = spans, Logs = logs };

        string Changed(string text) => values.Aggregate(text, static (changed, value) => changed.Replace(value.Text, value.Other, StringComparison.Ordinal));

        void Change(IEnumerable<KeyValue> attributes)
        {
            foreach (var attribute in attributes)
            {
                ChangeValue(attribute.Value);
            }
        }

        void ChangeValue(AnyValue? value)
        {
            switch (value?.ValueCase)
            {
                case AnyValue.ValueOneofCase.StringValue:
                    value.StringValue = Changed(value.StringValue);
                    break;
                case AnyValue.ValueOneofCase.ArrayValue:
                    value.ArrayValue.Values.ToList().ForEach(ChangeValue);
                    break;
                case AnyValue.ValueOneofCase.KvlistValue:
                    Change(value.KvlistValue.Values);
                    break;
            }
        }
    }

    private static IEnumerable<Span> SpansOf(ExportTraceServiceRequest request) => request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans);

    private static IEnumerable<LogRecord> RecordsOf(ExportLogsServiceRequest request) => request.ResourceLogs.SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords);

    private static ulong Later(int seed) => (ulong)seed * 86_400_000_000_000;

    private static ByteString Other(ByteString id, int seed) => id.All(value => value == 0) ? id : ByteString.CopyFrom([.. id.Select(value => (byte)(value ^ (seed * 37)))]);

    private ExportTraceServiceRequest Only(TraceId trace)
    {
        var only = Spans.Clone();
        foreach (var scope in only.ResourceSpans.SelectMany(resource => resource.ScopeSpans))
        {
            var kept = scope.Spans.Where(span => TraceId.TryRead(span.TraceId.Span, out var id) && id == trace).ToList();
            scope.Spans.Clear();
            scope.Spans.Add(kept);
        }

        return only;
    }

    private ExportLogsServiceRequest OnlyLogs(TraceId trace)
    {
        var only = Logs.Clone();
        foreach (var scope in only.ResourceLogs.SelectMany(resource => resource.ScopeLogs))
        {
            var kept = scope.LogRecords.Where(record => TraceId.TryRead(record.TraceId.Span, out var id) && id == trace).ToList();
            scope.LogRecords.Clear();
            scope.LogRecords.Add(kept);
        }

        return only;
    }
}
