using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OtlpTap.Announce;
using OtlpTap.Configuration;
using OtlpTap.Detectors;
using OtlpTap.Evaluations;
using OtlpTap.Otlp;
using OtlpTap.Pull;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Pull;

/// <summary>What a tap tells its backend is judged by no tap, whichever way it comes back.</summary>
public sealed class OwnTelemetryTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_700_000_100);
    private static readonly TraceId Trace = new(1, 2);
    private static readonly TapOptions Tap = new ConfigurationLoader().Load([]).Options!;

    public static TheoryData<string> Told => ["verdict", "opinion"];

    [Theory]
    [MemberData(nameof(Told))]
    public void A_tap_behind_it_judges_nothing_that_a_record_says(string what)
    {
        Assert.Empty(Judged(Of(what)));
        Assert.NotEmpty(Judged(OfSomebodyElse(Of(what))));
    }

    [Theory]
    [MemberData(nameof(Told))]
    public void Nor_does_a_pull_of_what_Loki_made_of_it(string what)
    {
        Assert.Empty(Judged(Assert.Single(LokiRecords.ByTrace([Line(Of(what))])).Logs));
        Assert.NotEmpty(Judged(Assert.Single(LokiRecords.ByTrace([Line(OfSomebodyElse(Of(what)))])).Logs));
    }

    private static byte[] Of(string what)
    {
        var form = new VerdictTelemetry("1.0");
        const string Text = """{"gen_ai.evaluation.name":"hallucination","gen_ai.evaluation.score.label":"hallucinated"} error""";
        return what == "verdict"
            ? form.Log(Trace, new Verdict(new SpanId(3), FailureKind.Hallucination, "hallucination", VerdictSource.Detector) { Label = "hallucinated", Explanation = Text }, Now)
            : form.Log(new Opinion(Trace, new SpanId(3), OpinionValue.Negative, "user_feedback") { Label = "thumbs_down", Comment = Text }, Now);
    }

    private static byte[] OfSomebodyElse(byte[] logs)
    {
        var request = ExportLogsServiceRequest.Parser.ParseFrom(logs);
        var scope = request.ResourceLogs[0].ScopeLogs[0];
        scope.Scope.Name = "evaluator";
        var attributes = scope.LogRecords[0].Attributes;
        attributes.Remove(attributes.Single(attribute => attribute.Key == "otlptap.verdict.source"));
        return Google.Protobuf.MessageExtensions.ToByteArray(request);
    }

    // As Loki 3.5 keeps it: the body as the line, all else as text under names without dots.
    private static LokiEntry Line(byte[] logs)
    {
        var resource = ExportLogsServiceRequest.Parser.ParseFrom(logs).ResourceLogs[0];
        var record = resource.ScopeLogs[0].LogRecords[0];
        var metadata = record.Attributes.ToDictionary(attribute => attribute.Key.Replace('.', '_'), attribute => attribute.Value.HasStringValue ? attribute.Value.StringValue : $"{attribute.Value.DoubleValue}");
        metadata["scope_name"] = resource.ScopeLogs[0].Scope.Name;
        metadata["trace_id"] = Trace.ToString();
        metadata["span_id"] = new SpanId(3).ToString();
        return new LokiEntry((long)record.TimeUnixNano, record.Body.StringValue, new Dictionary<string, string> { ["service_name"] = "shop" }, metadata);
    }

    private static IReadOnlyCollection<Verdict> Judged(byte[] logs)
    {
        var judge = new PulledJudge(Tap.Rules, Tap.Processor.Detectors, Tap.Processor.Evaluations, TimeProvider.System, NullLogger<TraceJudge>.Instance);
        Assert.True(judge.TryJudge(Trace, Array.Empty<byte>(), logs, out var verdicts, out var problem), problem);
        return verdicts;
    }
}
