using System.Text.Json;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Logs.V1;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Rules.Values;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Rules;

/// <summary>The reference implementation's own outcomes, as <c>ottl/README.md</c> describes them.</summary>
public sealed class ReferenceTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Rules", "ottl");

    private static readonly Lazy<JsonDocument> Records = new(() => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "conditions.json"))));

    private static readonly Lazy<(List<byte[]> Spans, List<byte[]> Events, List<byte[]> Logs)> Items = new(ReadItems);

    public static TheoryData<string> Groups =>
        [.. Records.Value.RootElement.EnumerateArray().Select(record => record.GetProperty("group").GetString()!).Distinct()];

    /// <summary>Conditions that rules on the line can have; a number that only grows.</summary>
    private const int CompiledAtLeast = 942;

    [Theory]
    [MemberData(nameof(Groups))]
    public void Every_condition_has_the_outcomes_that_the_reference_gives(string group) =>
        Assert.Empty(RecordsOf(group).Select(record => Difference(record, "results", OutcomesOf(record, allowBarePaths: false))).OfType<string>());

    [Theory]
    [MemberData(nameof(Groups))]
    public void Every_condition_with_bare_paths_has_the_outcomes_that_the_reference_gives(string group) =>
        Assert.Empty(RecordsOf(group).Select(record => Difference(record, "bare", OutcomesOf(record, allowBarePaths: true))).OfType<string>());

    [Theory]
    [MemberData(nameof(Groups))]
    public void What_compiles_to_a_slot_program_has_the_same_outcomes(string group)
    {
        var wrong = new List<string>();
        foreach (var record in RecordsOf(group))
        {
            var outcomes = ProgramOutcomesOf(record, out var isSupported);
            if (isSupported && Difference(record, "bare", outcomes) is { } difference)
            {
                wrong.Add(difference);
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Many_of_the_conditions_compile()
    {
        var compiled = Records.Value.RootElement.EnumerateArray().Count(record =>
        {
            ProgramOutcomesOf(record, out var isSupported);
            return isSupported;
        });

        Assert.True(compiled >= CompiledAtLeast, $"{compiled} compile");
    }

    [Fact]
    public void The_input_has_the_items_that_the_outcomes_are_listed_for()
    {
        Assert.Equal((16, 11, 12), (Items.Value.Spans.Count, Items.Value.Events.Count, Items.Value.Logs.Count));
        Assert.Equal((16, 11, 12), (Trees(RuleContext.Span).Count, Trees(RuleContext.SpanEvent).Count, Trees(RuleContext.Log).Count));
        Assert.Equal(2183, Records.Value.RootElement.GetArrayLength());
    }

    /// <summary>For tests on other spans than those of the reference.</summary>
    internal static IEnumerable<string> SpanConditions() => Records.Value.RootElement.EnumerateArray()
        .Where(record => ContextOf(record) == RuleContext.Span && record.TryGetProperty("bare", out _))
        .Select(record => record.GetProperty("condition").GetString()!);

    private static IEnumerable<JsonElement> RecordsOf(string group) =>
        Records.Value.RootElement.EnumerateArray().Where(record => record.GetProperty("group").GetString() == group);

    private static RuleContext ContextOf(JsonElement record) => record.GetProperty("context").GetString() switch
    {
        "span" => RuleContext.Span,
        "spanevent" => RuleContext.SpanEvent,
        _ => RuleContext.Log,
    };

    private static string? Difference(JsonElement record, string property, string actual)
    {
        var expected = record.TryGetProperty(property, out var results) ? results.GetString()! : "does not parse";
        return actual == expected ? null : $"{record.GetProperty("condition").GetString()}\n  expected {expected}\n  actual   {actual}";
    }

    private static string OutcomesOf(JsonElement record, bool allowBarePaths)
    {
        var context = ContextOf(record);
        var condition = OttlCondition.Parse(record.GetProperty("condition").GetString()!, context, allowBarePaths, TimeProvider.System, []);
        return condition is null ? "does not parse" : string.Concat(Trees(context).Select(item => LetterOf(condition.Evaluate(item).Outcome)));
    }

    private static char LetterOf(Outcome outcome) => outcome switch { Outcome.True => 'T', Outcome.False => 'F', _ => 'E' };

    private static string ProgramOutcomesOf(JsonElement record, out bool isSupported)
    {
        var context = ContextOf(record);
        var condition = record.GetProperty("condition").GetString()!;
        var problems = new List<RuleProblem>();
        var compiles = CompiledRules.Compile([new Rule("rule", "failure", context, condition)], problems) is not null;
        isSupported = problems.TrueForAll(problem => problem.Supported);
        if (!compiles)
        {
            return "does not parse";
        }

        var run = ConditionRun.Of(condition, context);
        return string.Concat((context switch
        {
            RuleContext.Span => Items.Value.Spans,
            RuleContext.SpanEvent => Items.Value.Events,
            _ => Items.Value.Logs,
        }).Select(run.Outcome));
    }

    private static List<TelemetryItem> Trees(RuleContext context) => context switch
    {
        RuleContext.Span => [.. TelemetryItem.SpansOf(Traces().ResourceSpans)],
        RuleContext.SpanEvent => [.. TelemetryItem.EventsOf(Traces().ResourceSpans)],
        _ => [.. TelemetryItem.LogsOf(Logs().ResourceLogs)],
    };

    private static ExportTraceServiceRequest Traces() => ExportTraceServiceRequest.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(Folder, "input.traces.pb")));

    private static ExportLogsServiceRequest Logs() => ExportLogsServiceRequest.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(Folder, "input.logs.pb")));

    /// <summary>One request for each span, one for each event with its span, and one for each log record.</summary>
    private static (List<byte[]> Spans, List<byte[]> Events, List<byte[]> Logs) ReadItems()
    {
        var spans = new List<byte[]>();
        var events = new List<byte[]>();
        var request = Traces();
        foreach (var resource in request.ResourceSpans)
        {
            foreach (var scope in resource.ScopeSpans)
            {
                foreach (var span in scope.Spans)
                {
                    spans.Add(Alone(span));
                    foreach (var one in span.Events)
                    {
                        var withOne = span.Clone();
                        withOne.Events.Clear();
                        withOne.Events.Add(one);
                        events.Add(Alone(withOne));
                    }

                    byte[] Alone(Span only)
                    {
                        var itsScope = scope.Clone();
                        itsScope.Spans.Clear();
                        itsScope.Spans.Add(only);
                        var itsResource = resource.Clone();
                        itsResource.ScopeSpans.Clear();
                        itsResource.ScopeSpans.Add(itsScope);
                        return new ExportTraceServiceRequest { ResourceSpans = { itsResource } }.ToByteArray();
                    }
                }
            }
        }

        return (spans, events, [.. LogsAlone()]);
    }

    private static IEnumerable<byte[]> LogsAlone() =>
        from resource in Logs().ResourceLogs
        from scope in resource.ScopeLogs
        from record in scope.LogRecords
        select new ExportLogsServiceRequest
        {
            ResourceLogs =
            {
                new ResourceLogs
                {
                    Resource = resource.Resource,
                    SchemaUrl = resource.SchemaUrl,
                    ScopeLogs = { new ScopeLogs { Scope = scope.Scope, SchemaUrl = scope.SchemaUrl, LogRecords = { record } } },
                },
            },
        }.ToByteArray();
}
