using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Rules.Values;
using OtlpTap.Scan;

namespace OtlpTap.Tests.Rules;

public sealed class EvaluationTests
{
    [Fact]
    public void Programs_on_bytes_agree_with_a_tree_walk_over_the_generated_classes()
    {
        var random = new Random(3);
        for (var i = 0; i < 400; i++)
        {
            var condition = RandomCondition.Next(random, 3);
            var run = ConditionRun.Of(condition.ToOttl());
            for (var j = 0; j < 10; j++)
            {
                var request = RandomSpan.Next(random);
                var expected = condition.Evaluate(request) switch { true => 'T', false => 'F', null => 'E' };
                Assert.True(expected == run.Outcome(request.ToByteArray()), $"{condition.ToOttl()}\n{request}\nexpected {expected}");
            }
        }
    }

    [Fact]
    public void Programs_on_bytes_agree_with_the_evaluation_of_all_of_OTTL()
    {
        var random = new Random(7);
        for (var i = 0; i < 600; i++)
        {
            var text = RandomCondition.Next(random, 3).ToOttl();
            var run = ConditionRun.Of(text);
            var condition = OttlCondition.Parse(text, RuleContext.Span, allowBarePaths: true, TimeProvider.System, [])!;
            for (var j = 0; j < 10; j++)
            {
                var request = RandomSpan.Next(random);
                AssertSame(text, run, condition, request);
            }
        }
    }

    [Fact]
    public void What_the_reference_was_asked_programs_and_the_evaluation_of_all_of_OTTL_answer_alike_on_random_spans()
    {
        var random = new Random(11);
        var compiled = 0;
        foreach (var text in ReferenceTests.SpanConditions())
        {
            var problems = new List<RuleProblem>();
            if (CompiledRules.Compile([new Rule("rule", "failure", RuleContext.Span, text)], problems) is null)
            {
                continue;
            }

            compiled++;
            var run = ConditionRun.Of(text);
            var condition = OttlCondition.Parse(text, RuleContext.Span, allowBarePaths: true, TimeProvider.System, [])!;
            for (var j = 0; j < 5; j++)
            {
                AssertSame(text, run, condition, RandomSpan.Next(random, KeysIn(text)));
            }
        }

        Assert.True(compiled > 500, $"{compiled} compile");
    }

    private static string[] KeysIn(string condition) =>
        [.. System.Text.RegularExpressions.Regex.Matches(condition, "attributes\\[\"([^\"\\\\]+)\"\\]").Select(match => match.Groups[1].Value).Distinct(), "other"];

    private static void AssertSame(string text, ConditionRun run, OttlCondition condition, ExportTraceServiceRequest request)
    {
        var outcome = condition.Evaluate(Assert.Single(TelemetryItem.SpansOf(request.ResourceSpans)));
        var expected = outcome.Outcome switch { Outcome.True => 'T', Outcome.False => 'F', _ => 'E' };
        Assert.True(expected == run.Outcome(request.ToByteArray()), $"{text}\n{request}\nexpected {expected} {outcome.Error}");
    }

    [Fact]
    public void Rules_together_come_to_what_each_of_them_comes_to_alone()
    {
        var random = new Random(5);
        for (var i = 0; i < 60; i++)
        {
            var conditions = Enumerable.Range(0, 12).Select(_ => RandomCondition.Next(random, 2)).ToList();
            var problems = new List<RuleProblem>();
            var together = CompiledRules.Compile([.. conditions.Select((condition, index) => new Rule($"rule{index}", "failure", RuleContext.Span, condition.ToOttl()))], problems)!;
            Assert.Empty(problems);
            for (var j = 0; j < 10; j++)
            {
                var request = RandomSpan.Next(random);
                var before = Enumerable.Range(0, conditions.Count).Select(together.ErrorsOf).ToList();
                var result = new ScanResult();
                Assert.True(new RequestScanner(together).TryScan(Signal.Traces, request.ToByteArray(), result, out _));

                var expectedHits = Enumerable.Range(0, conditions.Count).Where(index => conditions[index].Evaluate(request) == true).Select(index => (ushort)index);
                var expectedErrors = Enumerable.Range(0, conditions.Count).Where(index => conditions[index].Evaluate(request) is null);
                Assert.Equal(expectedHits, result.RuleIndexes.ToArray());
                Assert.Equal(expectedErrors, Enumerable.Range(0, conditions.Count).Where(index => together.ErrorsOf(index) > before[index]));
            }
        }
    }

    [Theory]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^1\\\\.5$\")", 1.5, 'T')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^1e\\\\+21$\")", 1e21, 'T')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^123456789012345680000$\")", 123456789012345680000.0, 'T')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^1\\\\.25e-07$\")", 1.25e-7, 'T')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^0\\\\.000001$\")", 1e-6, 'T')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^-0$\")", -0.0, 'T')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^1\\\\.7976931348623157e\\\\+308$\")", double.MaxValue, 'T')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"\")", double.NaN, 'E')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^-9223372036854775808$\")", long.MinValue, 'T')]
    [InlineData("IsMatch(span.attributes[\"v\"], \"^<$\")", "<", 'T')]
    public void A_pattern_sees_numbers_as_JSON_writes_them(string condition, object value, char expected) =>
        Assert.Equal(expected, ConditionRun.OutcomeOf(condition, new TraceBuilder().Span("span", ("v", value))));

    [Fact]
    public void A_pattern_sees_lists_and_maps_as_compact_JSON_with_sorted_keys()
    {
        var list = new TraceBuilder().Span("span", ("v", new[] { "<a>", "\"\\\n\u0001é\u2028" }));
        Assert.Equal('T', ConditionRun.OutcomeOf("IsMatch(span.attributes[\"v\"], \"^\\\\Q[\\\"\\\\u003ca\\\\u003e\\\",\\\"\\\\\\\"\\\\\\\\\\\\n\\\\u0001é\\\\u2028\\\"]\\\\E$\")", list));

        var map = new TraceBuilder().Span("span");
        map.LastSpan.Attributes.Add(new OpenTelemetry.Proto.Common.V1.KeyValue
        {
            Key = "v",
            Value = new()
            {
                KvlistValue = new()
                {
                    Values =
                    {
                        TraceBuilder.Attribute("b", new byte[] { 1, 2, 3, 4 }),
                        TraceBuilder.Attribute("a", null),
                        TraceBuilder.Attribute("b", 2.0),
                    },
                },
            },
        });
        Assert.Equal('T', ConditionRun.OutcomeOf("IsMatch(span.attributes[\"v\"], \"^\\\\{\\\"a\\\":null,\\\"b\\\":2\\\\}$\")", map));
    }

    [Fact]
    public void A_value_larger_than_the_budget_is_an_error_and_no_match()
    {
        var request = new TraceBuilder().Span("span", ("large", new string('x', 5 * 1024 * 1024)));

        Assert.Equal('E', ConditionRun.OutcomeOf("IsMatch(span.attributes[\"large\"], \"x$\")", request));
        Assert.Equal('T', ConditionRun.OutcomeOf("HasSuffix(span.attributes[\"large\"], \"x\")", request));
    }

    [Fact]
    public void Malformed_bytes_in_a_list_are_an_error_and_harm_nothing_else()
    {
        var request = new TraceBuilder().Span("span", ("v", new[] { "element" })).ToBytes();
        var at = request.AsSpan().IndexOf("element"u8);
        request[at - 1] = 0x7F;

        Assert.Equal('E', ConditionRun.Of("IsMatch(span.attributes[\"v\"], \"x\")").Outcome(request));
        Assert.Equal('E', ConditionRun.Of("ContainsValue(span.attributes[\"v\"], \"x\")").Outcome(request));
        Assert.Equal('E', ConditionRun.Of("span.attributes[\"v\"][0] == \"x\"").Outcome(request));
        Assert.Equal('E', ConditionRun.Of("span.attributes[\"v\"] == [\"x\"]").Outcome(request));
        Assert.Equal('T', ConditionRun.Of("span.name == \"span\"").Outcome(request));
    }

    [Fact]
    public void Lists_nested_beyond_measure_are_an_error()
    {
        var value = TraceBuilder.ValueOf("deep");
        for (var i = 0; i < 80; i++)
        {
            value = new() { ArrayValue = new() { Values = { value } } };
        }

        var request = new TraceBuilder().Span("span");
        request.LastSpan.Attributes.Add(new OpenTelemetry.Proto.Common.V1.KeyValue { Key = "v", Value = value });

        Assert.Equal('E', ConditionRun.OutcomeOf("IsMatch(span.attributes[\"v\"], \"deep\")", request));
        Assert.Equal('E', ConditionRun.OutcomeOf("span.attributes[\"v\"] == span.attributes[\"v\"]", request));
    }

    [Fact]
    public void Hits_are_in_the_order_of_the_rules_whatever_their_gates()
    {
        var problems = new List<RuleProblem>();
        var rules = CompiledRules.Compile(
            [
                new Rule("named", "failure", RuleContext.Span, "span.attributes[\"a\"] == \"x\""),
                new Rule("failed", "failure", RuleContext.Span, "span.status.code == STATUS_CODE_ERROR"),
                new Rule("always", "failure", RuleContext.Span, "true"),
                new Rule("never", "failure", RuleContext.Span, "false"),
                new Rule("named too", "failure", RuleContext.Span, "span.attributes[\"a\"] == \"x\" and span.name == \"span\""),
            ],
            problems)!;
        var result = new ScanResult();

        Assert.True(new RequestScanner(rules).TryScan(Signal.Traces, new TraceBuilder().Span("span", ("a", "x")).Failed().ToBytes(), result, out _));

        Assert.Equal([0, 1, 2, 4], result.RuleIndexes.ToArray());
    }

    [Fact]
    public void A_condition_on_an_event_sees_its_span_scope_and_resource()
    {
        var run = ConditionRun.Of(
            "name == \"exception\" and attributes[\"exception.type\"] == \"X\" and span.name == \"tool\" and scope.name == \"library\" and resource.attributes[\"service.name\"] == \"shop\"",
            RuleContext.SpanEvent);

        Assert.Equal('T', run.Outcome(new TraceBuilder().Resource("shop").Scope("library").Span("tool").Event("exception", ("exception.type", "X")).ToBytes()));
        Assert.Equal('F', run.Outcome(new TraceBuilder().Resource("shop").Scope("library").Span("tool").Event("exception").ToBytes()));
        Assert.Equal('F', run.Outcome(new TraceBuilder().Resource("shop").Scope("library").Span("tool").ToBytes()));
    }
}
