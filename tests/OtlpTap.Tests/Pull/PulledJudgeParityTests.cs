using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OtlpTap.Cli;
using OtlpTap.Configuration;
using OtlpTap.Detectors;
using OtlpTap.Evaluations;
using OtlpTap.Otlp;
using OtlpTap.Pull;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Pull;

/// <summary>A trace is judged alike wherever it comes from: pulled, inspected in a file, or on the line.</summary>
public sealed class PulledJudgeParityTests
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "fixtures");
    private static readonly TapOptions Tap = new ConfigurationLoader().Load([]).Options!;

    // How users went on is seen over the traces of a session, which inspect has in one stream; a pulled trace is judged alone.
    private const string OfSessions = "session-";

    public static TheoryData<string> Scenarios() =>
        [.. Directory.EnumerateFiles(Fixtures, "*.expected.json", SearchOption.AllDirectories).Where(file => !Path.GetFileName(file).StartsWith(OfSessions, StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(file => Path.GetRelativePath(Fixtures, file)[..^".expected.json".Length])];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void A_pulled_trace_is_judged_as_inspect_judges_it(string scenario)
    {
        var (spans, logs) = Read(scenario);
        var inspection = new Inspection(Tap.Rules, Tap.Processor);
        Assert.True(inspection.TryInspect(new CapturedPayload("x.traces.otlp.pb", Signal.Traces, spans), out var found, out _));
        Assert.True(inspection.TryInspect(new CapturedPayload("x.logs.otlp.pb", Signal.Logs, logs), out var inLogs, out _));
        var inspected = found.Concat(inLogs).Concat(inspection.JudgeAll())
            .Where(verdict => !verdict.TraceId.IsZero) // of a log record without a trace, which pull gives an id of its own
            .Select(verdict => (verdict.TraceId, verdict.SpanId ?? default, verdict.Failure)).ToHashSet();

        Assert.Equal(Lines(inspected), Lines(Pulled(spans, logs)));
    }

    private static HashSet<(TraceId, SpanId, string)> Pulled(byte[] spans, byte[] logs)
    {
        var judge = new PulledJudge(Tap.Rules, Tap.Processor.Detectors with { TraceTimeMax = TimeSpan.FromMinutes(1) }, Tap.Processor.Evaluations, TimeProvider.System, NullLogger<TraceJudge>.Instance);
        var all = new HashSet<(TraceId, SpanId, string)>();
        foreach (var traceId in TracesIn(spans, logs))
        {
            Assert.True(judge.TryJudge(traceId, spans, logs, out var verdicts, out var problem), problem);
            all.UnionWith(verdicts.Select(verdict => (traceId, verdict.SpanId, verdict.Failure)));
        }

        return all;
    }

    private static HashSet<TraceId> TracesIn(byte[] spans, byte[] logs)
    {
        var traces = AgentRunReader.Read(spans, logs, RunLimits.Default).Select(run => run.TraceId).ToHashSet();
        traces.UnionWith(OpenTelemetry.Proto.Collector.Logs.V1.ExportLogsServiceRequest.Parser.ParseFrom(logs).ResourceLogs
            .SelectMany(resource => resource.ScopeLogs).SelectMany(scope => scope.LogRecords).Where(record => record.TraceId.Length == TraceId.Length)
            .Select(record => TraceId.TryRead(record.TraceId.Span, out var id) ? id : default));
        traces.Remove(default);
        return traces;
    }

    private static IEnumerable<string> Lines(IEnumerable<(TraceId TraceId, SpanId SpanId, string Failure)> verdicts) =>
        verdicts.Select(verdict => $"{verdict.TraceId} {verdict.SpanId} {verdict.Failure}").Order(StringComparer.Ordinal);

    private static (byte[] Spans, byte[] Logs) Read(string scenario)
    {
        using var expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(Fixtures, scenario + ".expected.json")));
        var (spans, logs) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
        foreach (var name in expected.RootElement.GetProperty("files").EnumerateArray().Select(file => file.GetString()!))
        {
            var signal = name.Contains(".logs", StringComparison.Ordinal) ? Signal.Logs : Signal.Traces;
            var bytes = File.ReadAllBytes(Path.Combine(Fixtures, Path.GetDirectoryName(scenario)!, name));
            var into = signal == Signal.Logs ? logs : spans;
            if (name.EndsWith(".json", StringComparison.Ordinal))
            {
                Assert.True(OtlpJson.TryRead(signal, bytes, into, out _));
            }
            else
            {
                into.Write(bytes);
            }
        }

        return (spans.WrittenSpan.ToArray(), logs.WrittenSpan.ToArray());
    }
}
