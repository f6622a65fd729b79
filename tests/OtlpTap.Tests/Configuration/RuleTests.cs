using System.Text;
using OtlpTap.Rules;

namespace OtlpTap.Tests.Configuration;

/// <summary>The operator's rules have every key that a pack's rules have.</summary>
public sealed class RuleTests
{
    [Fact]
    public void A_rule_has_every_key_that_a_packs_rule_has()
    {
        var rule = Assert.Single(Configured.Valid(
            """
            processors:
              tap:
                rules:
                  - name: slow_search
                    failure: retrieval_error
                    severity: warning
                    context: spanevent
                    condition:
                      - spanevent.name == "a"
                      - spanevent.name == "b" and span.name == "c"
                    tag: true
                    tee: false
                    metric: false
                    attributes: { team: search, tier: 2, "quoted": "2", share: 0.5, paged: true }
                    description: Search was slow.
            """).Processor.Rules);

        Assert.Equal(("slow_search", "retrieval_error", RuleSeverity.Warning, RuleContext.SpanEvent), (rule.Name, rule.Failure, rule.Severity, rule.Context));
        Assert.Equal("(spanevent.name == \"a\") or (spanevent.name == \"b\" and span.name == \"c\")", rule.Condition);
        Assert.Equal((true, false, false, true), (rule.Tag, rule.Tee, rule.Metric, rule.IsEnabled));
        Assert.Equal(["team", "tier", "quoted", "share", "paged"], rule.Added.Select(attribute => Encoding.UTF8.GetString(attribute.Key)));
        Assert.Equal(
            [RuleAttribute.Of("team", "search"), RuleAttribute.Of("tier", 2L), RuleAttribute.Of("quoted", "2"), RuleAttribute.Of("share", 0.5), RuleAttribute.Of("paged", true)],
            rule.Added,
            (expected, actual) => expected.KeyValue.AsSpan().SequenceEqual(actual.KeyValue));
    }

    [Fact]
    public void A_condition_may_be_one_text_and_a_list_of_one()
    {
        var rules = Configured.Valid("processors: { tap: { rules: [{ name: a, failure: x, condition: span.name == nil }, { name: b, failure: x, condition: [span.name == nil] }] } }").Processor.Rules;

        Assert.All(rules, rule => Assert.Equal("span.name == nil", rule.Condition));
    }

    [Fact]
    public void What_is_wrong_with_one_condition_of_a_list_is_shown_at_its_place() =>
        Assert.Equal(
            ["tap.yaml:8:22: processors.tap.rules[0].condition[1]: Rule a: span has no field nam; did you mean name?"],
            Configured.Problems(
                """
                processors:
                  tap:
                    rules:
                      - name: a
                        failure: x
                        condition:
                          - span.name == "a"
                          - not span.nam == "b"
                """));

    [Theory]
    [InlineData("name: genai_tool_error, enabled: false")]
    [InlineData("name: genai_tool_error, enabled: false, failure: x, condition: span.name == nil")]
    public void A_rule_that_is_not_enabled_takes_the_packs_rule_of_its_name_out_of_force(string rule)
    {
        var packs = Configured.Valid("").Rules;
        var rules = Configured.Valid($"processors: {{ tap: {{ rules: [{{ {rule} }}] }} }}").Rules;

        Assert.Equal(packs.Count - 1, rules.Count);
        Assert.DoesNotContain(Enumerable.Range(0, rules.Count), index => rules[index].Name == "genai_tool_error");
    }

    [Theory]
    [InlineData("name: a, failure: x", "tap.yaml:1:30: processors.tap.rules[0].condition: must be set")]
    [InlineData("name: a, failure: x, condition: []", "tap.yaml:1:64: processors.tap.rules[0].condition: must be set")]
    [InlineData("name: a, failure: x, condition: ['span.name == nil', '']", "tap.yaml:1:64: processors.tap.rules[0].condition: one of them is empty")]
    [InlineData("name: a, condition: span.name == nil", "tap.yaml:1:30: processors.tap.rules[0].failure: must be set")]
    [InlineData("name: a, failure: x, condition: span.name == nil, severity: bad", "tap.yaml:1:92: processors.tap.rules[0].severity: `bad` is none of `info`, `warning`, `error`, `critical`")]
    [InlineData("name: a, failure: x, condition: span.name == nil, attributes: { otlptap.x: 1 }", "tap.yaml:1:107: processors.tap.rules[0].attributes.otlptap.x: keys that begin with otlptap. are the tap's own")]
    [InlineData("name: a, failure: x, condition: span.name == nil, attributes: { x: [1] }", "tap.yaml:1:99: processors.tap.rules[0].attributes.x: a text, a number, `true` or `false` is expected here")]
    public void What_is_wrong_with_a_rule_is_said(string rule, string expected) =>
        Assert.Equal([expected], Configured.Problems($"processors: {{ tap: {{ rules: [{{ {rule} }}] }} }}"));

    [Theory]
    [InlineData("Len(span.events) > 0", "context: spanevent")]
    [InlineData("span.parent_span_id.string == \"\"", "others of its trace")]
    [InlineData("ParseJSON(span.name)[\"x\"] == 1", "behind it")]
    [InlineData("IsRootSpan()", "others of its trace")]
    public void What_needs_more_than_the_span_is_refused_and_said_where_it_belongs(string condition, string expected) =>
        Assert.Contains(expected, Assert.Single(Configured.Problems($"processors: {{ tap: {{ rules: [{{ name: a, failure: x, condition: '{condition}' }}] }} }}")), StringComparison.Ordinal);

    [Theory]
    [InlineData("", "Ignore")]
    [InlineData("error_mode: ignore", "Ignore")]
    [InlineData("error_mode: silent", "Silent")]
    [InlineData("error_mode: propagate", "Propagate")]
    public void What_is_done_about_errors_can_be_chosen(string key, string expected) =>
        Assert.Equal(expected, Configured.Valid($"processors: {{ tap: {{ {key} }} }}").Processor.ErrorMode.ToString());
}
