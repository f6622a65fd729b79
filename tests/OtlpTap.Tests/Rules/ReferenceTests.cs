using System.Text;
using System.Text.Json;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Rules;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace OtlpTap.Tests.Rules;

/// <summary>The reference implementation's own outcomes, as <c>ottl/README.md</c> describes them.</summary>
public sealed class ReferenceTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Rules", "ottl");

    private static readonly Lazy<JsonDocument> Records = new(() => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "conditions.json"))));

    private static readonly Lazy<(List<byte[]> Spans, List<byte[]> Events)> Items = new(ReadItems);

    public static TheoryData<string> Groups =>
        [.. Records.Value.RootElement.EnumerateArray().Select(record => record.GetProperty("group").GetString()!).Distinct()];

    [Theory]
    [MemberData(nameof(Groups))]
    public void Every_condition_has_the_outcomes_that_the_reference_gives(string group)
    {
        var wrong = new List<string>();
        foreach (var record in Records.Value.RootElement.EnumerateArray().Where(record => record.GetProperty("group").GetString() == group))
        {
            var condition = record.GetProperty("condition").GetString()!;
            var expected = record.GetProperty("parses").GetBoolean() ? record.GetProperty("results").GetString()! : "does not parse";
            var actual = OutcomesOf(condition, record.GetProperty("context").GetString() == "span" ? RuleContext.Span : RuleContext.SpanEvent);
            if (actual != expected)
            {
                wrong.Add($"{condition}\n  expected {expected}\n  actual   {actual}");
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void The_input_has_the_items_that_the_outcomes_are_listed_for()
    {
        Assert.Equal(16, Items.Value.Spans.Count);
        Assert.Equal(11, Items.Value.Events.Count);
        Assert.True(Records.Value.RootElement.GetArrayLength() >= 896);
    }

    private static string OutcomesOf(string condition, RuleContext context)
    {
        var problems = new List<RuleProblem>();
        var rule = new Rule("rule", "failure", context, condition);
        if (CompiledRules.Compile([rule], problems) is null)
        {
            return problems.TrueForAll(problem => problem.Supported) ? "does not parse" : $"not supported: {problems[0]}";
        }

        var run = ConditionRun.Of(condition, context);
        var outcomes = new StringBuilder();
        foreach (var item in context == RuleContext.Span ? Items.Value.Spans : Items.Value.Events)
        {
            outcomes.Append(run.Outcome(item));
        }

        return outcomes.ToString();
    }

    /// <summary>One request for each span, and one for each event with its span.</summary>
    private static (List<byte[]> Spans, List<byte[]> Events) ReadItems()
    {
        var spans = new List<byte[]>();
        var events = new List<byte[]>();
        var request = ExportTraceServiceRequest.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(Folder, "input.traces.pb")));
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

        return (spans, events);
    }
}
