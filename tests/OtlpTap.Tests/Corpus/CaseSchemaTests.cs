using System.Text.Json;
using OtlpTap.Corpus;
using OtlpTap.Tests.Configuration;
using OtlpTap.Tests.Documentation;
using OtlpTap.Verdicts;
using OpenTelemetry.Proto.Common.V1;
using static OtlpTap.Tests.Corpus.Telemetry;

namespace OtlpTap.Tests.Corpus;

/// <summary>What is written is what <c>config/otlptap.case.schema.json</c> says, to the last key.</summary>
public sealed class CaseSchemaTests : IDisposable
{
    private readonly TapRig _tap = new();
    private readonly JsonDocument _schema = JsonDocument.Parse(File.ReadAllBytes(Markdown.InRepository("config/otlptap.case.schema.json")));

    public static TheoryData<string> Instrumentations => [.. FixtureScenario.Instrumentations];

    [Fact]
    public void Every_key_that_a_case_can_have_is_in_the_schema()
    {
        foreach (var (trace, version) in new[] { (1, "1"), (2, "2") })
        {
            var request = RequestFrom("weather-agent", Span(trace, 2, failed: true, parent: 0));
            request.ResourceSpans[0].Resource.Attributes.Add(new KeyValue { Key = "service.version", Value = new AnyValue { StringValue = version } });
            _tap.Receive(request);
        }

        _tap.Receive(Log(1, 2, "said"));
        _tap.Receive(RequestFrom("other", Span(3, 1, failed: true)));
        _tap.Scheduler.TrySchedule(Trace(3), new Verdict(SpanOf(1), "hallucination", "judge", VerdictSource.Judge) { Score = 0.9, Label = "made up", Explanation = "nobody said so", Evidence = ["42"], Origin = SpanOf(2), Subject = "search", Aspect = "number" });
        _tap.Settle();
        _tap.Receive(RequestFrom("other", Span(3, 2)));
        _tap.Settle();
        Assert.True(new CaseStore(_tap.Corpus.Directory, _tap.Time).TryChange(_tap.CasePath(3), new CaseChange(CaseStatus.Fixed, "reason", "3"), out _));

        Assert.Equal(2, _tap.CaseFolders().Length);
        CheckAll();
    }

    [Theory]
    [MemberData(nameof(Instrumentations))]
    public void Cases_of_every_instrumentation_are_as_the_schema_says(string instrumentation)
    {
        foreach (var scenario in FixtureScenario.Of(instrumentation))
        {
            _tap.Receive(scenario.Spans);
            _tap.Receive(scenario.Logs);
            foreach (var (run, verdicts) in scenario.Judged())
            {
                foreach (var verdict in verdicts)
                {
                    Assert.True(_tap.Scheduler.TrySchedule(run.TraceId, verdict));
                }
            }
        }

        _tap.Settle();
        Assert.NotEmpty(_tap.CaseFolders());
        CheckAll();
    }

    public void Dispose()
    {
        _tap.Dispose();
        _schema.Dispose();
    }

    private void CheckAll()
    {
        foreach (var path in _tap.CaseFolders())
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(path, "case.json")));
            Assert.Empty(JsonSchema.Problems(_schema.RootElement, json.RootElement));
            Assert.Empty(Unknown(_schema.RootElement, json.RootElement, ""));
        }
    }

    /// <summary>Keys that the schema does not list; what it leaves open (a tool's own JSON) is not looked into.</summary>
    private static IEnumerable<string> Unknown(JsonElement schema, JsonElement value, string path) => value.ValueKind switch
    {
        JsonValueKind.Object when schema.TryGetProperty("properties", out var properties) => value.EnumerateObject().SelectMany(property =>
            properties.TryGetProperty(property.Name, out var below) ? Unknown(below, property.Value, $"{path}.{property.Name}") : [$"{path}.{property.Name}"]),
        JsonValueKind.Array when schema.TryGetProperty("items", out var items) => value.EnumerateArray().SelectMany(item => Unknown(items, item, path + "[]")),
        _ => [],
    };
}
