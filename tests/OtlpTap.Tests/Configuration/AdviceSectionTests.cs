using OtlpTap.Advice;

namespace OtlpTap.Tests.Configuration;

public sealed class AdviceSectionTests
{
    /// <summary>A rule, a judge and a metric with failures of their own.</summary>
    private const string Names = """
        processors: { tap: { rules: [{ name: own, failure: own_kind, condition: 'span.name == "x"' }],
        detectors: { judge: { name: jury, failure: jury_kind, endpoint: 'https://127.0.0.1:1/' } },
        evaluations: { metrics: { own_metric: { good: low, failure: metric_kind } } },
        """;

    private static readonly string[] Shipped = ["hallucinating", "hallucinating-often", "model-failing", "model-slow", "tool-failing", "users-dissatisfied", "users-very-dissatisfied"];

    [Fact]
    public void The_shipped_policies_are_in_force_by_default()
    {
        var options = Read("{}");
        Assert.Equal(Shipped, options.Policies.Select(policy => policy.Name).Order());
        Assert.Equal((0, TimeSpan.FromMilliseconds(500), 256), (options.Holdout, options.Interval, options.ActiveMax));
    }

    [Fact]
    public void They_can_be_left_out_all_or_one_by_one()
    {
        Assert.Empty(Read("{ defaults: false }").Policies);
        Assert.Equal(Shipped.Except(["model-slow"]), Read("{ policies: [{ name: model-slow, enabled: false }] }").Policies.Select(policy => policy.Name).Order());
        Assert.Equal(["tool-failing"], Read("{ defaults: false, policies: [{ name: tool-failing }] }").Policies.Select(policy => policy.Name));
    }

    [Fact]
    public void A_policy_of_a_shipped_name_changes_what_it_says_and_keeps_the_rest()
    {
        var shipped = DefaultPolicies.All.Single(policy => policy.Name == "users-dissatisfied");
        var policy = Read("{ policies: [{ name: users-dissatisfied, advice: human_review, for: 10s, parameters: { queue: 7 } }] }").Policies.Single(policy => policy.Name == "users-dissatisfied");

        Assert.Equal(("human_review", "7"), (policy.Advice, policy.Parameters["queue"]));
        Assert.Equal(shipped.Timing with { For = TimeSpan.FromSeconds(10) }, policy.Timing);
        Assert.Equal(shipped.Condition, policy.Condition);
    }

    [Fact]
    public void A_policy_is_read_whole()
    {
        var options = Read("""
            { holdout: 0.1, interval: 500ms, max_active: 7, defaults: false, policies: [{
              name: own, scope: { service: shop, agent: plan*, tool: search }, when: 'tool.errors.ratio_1m > 20%', advice: my_own,
              parameters: { fallback_tool: other, tries: 3 }, for: 5s, cool_down: 2m, max_cool_down: 1h, reason: '{tool} is down: {values}' }] }
            """);
        Assert.Equal((0.1, TimeSpan.FromMilliseconds(500), 7), (options.Holdout, options.Interval, options.ActiveMax));
        var policy = Assert.Single(options.Policies);
        Assert.Equal(("own", "my_own", "tool.errors.ratio_1m > 20%", "{tool} is down: {values}"), (policy.Name, policy.Advice, policy.Condition.Text, policy.Reason));
        Assert.Equal(new ScopeFilter { Service = new NameFilter("shop"), Agent = new NameFilter("plan*"), Tool = new NameFilter("search") }, policy.Scope);
        Assert.Equal(["fallback_tool=other", "tries=3"], policy.Parameters.Select(pair => $"{pair.Key}={pair.Value}"));
        Assert.Equal(new HysteresisOptions { For = TimeSpan.FromSeconds(5), CoolDown = TimeSpan.FromMinutes(2), CoolDownMax = TimeSpan.FromHours(1) }, policy.Timing);
    }

    [Fact]
    public void Fallbacks_are_for_every_policy_that_reroutes()
    {
        var policies = Read("{ fallbacks: { tools: { search: search_backup, 'a b': 7 }, models: { large: small } }, policies: [{ name: own, when: 'tool.calls_1m > 1', advice: reroute }, { name: model-slow, advice: wait }] }").Policies;

        var fallbacks = policies.Single(policy => policy.Name == "tool-failing").Fallbacks;
        Assert.Equal(["a b=7", "search=search_backup"], fallbacks.Tools.Select(pair => $"{pair.Key}={pair.Value}"));
        Assert.Equal(["large=small"], fallbacks.Models.Select(pair => $"{pair.Key}={pair.Value}"));
        Assert.Equal(["model-failing", "own", "tool-failing"], policies.Where(policy => policy.Fallbacks == fallbacks).Select(policy => policy.Name).Order());
    }

    [Fact]
    public void A_long_cool_down_alone_does_not_grow() =>
        Assert.Equal(TimeSpan.FromHours(1), Read("{ policies: [{ name: tool-failing, cool_down: 1h }] }").Policies.Single(policy => policy.Name == "tool-failing").Timing.CoolDownMax);

    [Theory]
    [InlineData("policies: [{ when: 'tool.calls_1m > 1', advice: a }]", "policies[0].name: must be set")]
    [InlineData("policies: [{ name: p, advice: a }]", "policies[0].when: must be set")]
    [InlineData("policies: [{ name: tool-failng, enabled: false }]", "policies[0].name: no shipped policy is named `tool-failng`; did you mean `tool-failing`?")]
    [InlineData("policies: [{ name: model-slw, advice: wait }]", "policies[0].name: no shipped policy is named `model-slw`; did you mean `model-slow`?")]
    [InlineData("policies: [{ name: tool-failing, parameter: { fallback_tool: b } }]", "policies[0].parameter: unknown key; did you mean `parameters`?")]
    [InlineData("policies: [{ name: p, when: 'tool.calls_1m > 1' }]", "policies[0].advice: must be set")]
    [InlineData("policies: [{ name: 'not a word', when: 'tool.calls_1m > 1', advice: a }]", "policies[0].name: up to 64 letters")]
    [InlineData("policies: [{ name: p, when: 'tool.calls_1m > 1', advice: 'a b' }]", "policies[0].advice: up to 64 letters")]
    [InlineData("policies: [{ name: p, when: 'tool.calls_1m > 1', advice: a }, { name: p, when: 'tool.calls_1m > 1', advice: a }]", "policies[1].name: `p` is the name of the policy in line 1 already")]
    [InlineData("policies: [{ name: p, when: 'tool.cals_1m > 1', advice: a }]", "policies[0].when: policy `p`: `tool.cals_1m` is no value: the nearest is `tool.calls_1m`; docs/health.md has them all")]
    [InlineData("policies: [{ name: p, when: 'run.calls_1m > 1', advice: a, scope: { tool: x } }]", "policies[0].scope.tool: the condition is evaluated for each agent, never for a tool")]
    [InlineData("policies: [{ name: p, when: 'tool.calls_1m > 1', advice: a, scope: { model: x } }]", "policies[0].scope.model: the condition is evaluated for each tool, never for a model")]
    [InlineData("policies: [{ name: tool-failing, scope: { tol: x } }]", "policies[0].scope.tol: unknown key; did you mean `tool`?")]
    [InlineData("policies: [{ name: tool-failing, cool_down: 5m, max_cool_down: 1m }]", "policies[0].max_cool_down: must not be shorter than `cool_down`")]
    [InlineData("policies: [{ name: tool-failing, hold: 30s }]", "policies[0].hold: is `for` here")]
    [InlineData("policies: [{ name: tool-failing, keep_firing_for: 30s }]", "policies[0].keep_firing_for: is `cool_down` here")]
    [InlineData("policies: [{ name: tool-failing, reason: 'of {tol}' }]", "policies[0].reason: `{tol}` stands for nothing")]
    [InlineData("policies: [{ name: tool-failing, parameters: { 'a b': x } }]", "policies[0].parameters.a b: up to 64 letters")]
    [InlineData("policies: [{ name: tool-failing, parameters: { a: [x] } }]", "policies[0].parameters.a: a text, a number")]
    [InlineData("fallbacks: { tools: { search: search } }", "fallbacks.tools.search: a tool is no fallback for itself")]
    [InlineData("fallbacks: { models: { large: } }", "fallbacks.models.large: the name of a model is expected here")]
    [InlineData("fallbacks: { models: { large: [small] } }", "fallbacks.models.large: the name of a model is expected here")]
    [InlineData("fallbacks: { tool: { search: other } }", "fallbacks.tool: unknown key; did you mean `tools`?")]
    [InlineData("holdout: 10%", "holdout: a number from 0 to 1, such as 0.1, is expected here, not `10%`")]
    [InlineData("holdout: 2", "holdout: 2 is out of range")]
    [InlineData("interval: 1ms", "interval: 1ms is out of range")]
    [InlineData("polices: []", "polices: unknown key; did you mean `policies`?")]
    public void What_is_wrong_is_said_at_its_key(string advice, string problem) =>
        Assert.Contains($"processors.tap.advice.{problem}", Assert.Single(Configured.Problems($"processors: {{ tap: {{ advice: {{ {advice} }} }} }}")), StringComparison.Ordinal);

    [Fact]
    public void Policies_that_can_never_be_true_are_warned_of()
    {
        var loaded = Configured.Load("processors: { tap: { health: { enabled: false }, advice: { policies: [{ name: tool-failing }] } } }");

        Assert.NotNull(loaded.Options);
        Assert.Contains(loaded.Problems, problem => problem.ToString().EndsWith("warning: processors.tap.advice.policies: no advice is ever given with `health.enabled: false`", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("advice: rerout", "advice: `rerout` is a word of your own; did you mean `reroute`?")]
    [InlineData("advice: ask_usr", "advice: `ask_usr` is a word of your own; did you mean `ask_user`?")]
    [InlineData("parameters: { fallback_tol: x }", "parameters.fallback_tol: `fallback_tol` is a word of your own; did you mean `fallback_tool`?")]
    public void A_word_that_looks_like_a_known_one_is_warned_of(string said, string problem)
    {
        var loaded = Configured.Load($"processors: {{ tap: {{ advice: {{ policies: [{{ name: tool-failing, {said} }}] }} }} }}");

        Assert.NotNull(loaded.Options);
        Assert.EndsWith($"warning: processors.tap.advice.policies[0].{problem}", Assert.Single(loaded.Problems).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("advice: reroute")]
    [InlineData("advice: retry_later")]
    [InlineData("advice: human_check")]
    [InlineData("parameters: { fallback_tool: x, fallback_model: y, fallback_url: z, tries: 3 }")]
    public void Known_words_and_those_that_look_like_none_are_not(string said) =>
        Assert.Empty(Configured.Problems($"processors: {{ tap: {{ advice: {{ policies: [{{ name: tool-failing, {said} }}] }} }} }}"));

    [Theory]
    [InlineData("tool.errors.tool_eror.ratio_1m", "warning", "no rule finds the failure `tool_eror`; did you mean `tool_error`?")]
    [InlineData("hallucinations.ratio_1h", "warning", "nothing in this configuration finds the failure `hallucinations`; did you mean `hallucination`?")]
    [InlineData("llm.errors.incomplete_trace.ratio_5m", "warning", "no rule finds `incomplete_trace` on a span, where this value counts it; `incomplete_trace.ratio_5m` has it whoever finds it")]
    [InlineData("positive_feedback.ratio_1h", "error", "`positive_feedback` marks a run and is no failure: it is never counted")]
    [InlineData("run.errors.recovered_1h", "error", "`recovered` marks a run and is no failure: it is never counted")]
    [InlineData("evaluation.AnswerRelevancy.mean_1h", "error", "no score has this name: metrics are known by one spelling, `answer_relevancy`")]
    [InlineData("evaluation.relevence.mean_1h", "warning", "no evaluation of the name `relevence` is known; did you mean `relevance`?")]
    [InlineData("evaluation.jury-2.mean_1h", "error", "no score has this name: metrics are known by one spelling, `jury_2`")]
    [InlineData("evaluation.jurry.mean_1h", "warning", "no evaluation of the name `jurry` is known; did you mean `jury`?")]
    public void A_name_that_nothing_can_bring_is_said_at_its_place(string value, string severity, string problem)
    {
        var problems = Configured.Problems($"{Names.ReplaceLineEndings(" ")} advice: {{ policies: [{{ name: p, advice: a, when: 'run.calls_1m > 1 and {value} > 0' }}] }} }} }}");

        var said = Assert.Single(problems);
        Assert.EndsWith($"{(severity == "warning" ? "warning: " : "")}processors.tap.advice.policies[0].when: policy `p`: `{value}`: {problem}", said, StringComparison.Ordinal);
        Assert.StartsWith($"tap.yaml:1:{Column(value)}: ", said, StringComparison.Ordinal);

        static int Column(string value) => $"{Names.ReplaceLineEndings(" ")} advice: {{ policies: [{{ name: p, advice: a, when: 'run.calls_1m > 1 and ".Length + 1;
    }

    [Theory]
    [InlineData("tool.errors.tool_error.ratio_1m")]
    [InlineData("tool.errors.own_kind_1m")]
    [InlineData("own_kind.ratio_1h")]
    [InlineData("jury_kind.ratio_1h")]
    [InlineData("metric_kind.ratio_1h")]
    [InlineData("failed_evaluation.ratio_1h")]
    [InlineData("implicit_negative_feedback.count_1h")]
    [InlineData("llm.errors.content_filter.ratio_1m")]
    [InlineData("evaluation.jury.mean_1h")]
    [InlineData("evaluation.own_metric.mean_1h")]
    [InlineData("evaluation.our_very_own_word.mean_1h")]
    [InlineData("evaluation.relevance.mean_1h")]
    [InlineData("grounding.mean_1h")]
    public void A_name_that_a_rule_a_detector_a_judge_or_an_evaluator_may_bring_is_fine(string value) =>
        Assert.Empty(Configured.Problems($"{Names.ReplaceLineEndings(" ")} advice: {{ policies: [{{ name: p, advice: a, when: '{value} > 0' }}] }} }} }}"));

    [Theory]
    [InlineData("evaluations: { enabled: false }", "evaluation.relevance.mean_1h", "nothing is known of it with `evaluations.enabled: false`, and no judge has this name")]
    [InlineData("detectors: { grounding: { enabled: false } }", "grounding.mean_1h", "nothing is known of it while the check of answers is switched off")]
    [InlineData("packs: [none]", "llm.errors.content_filter.ratio_1m", "no rule finds `content_filter` on a span, where this value counts it; `content_filter.ratio_1m` has it whoever finds it")]
    public void What_is_switched_off_brings_nothing(string key, string value, string problem)
    {
        var said = Assert.Single(Configured.Problems($"processors: {{ tap: {{ {key}, advice: {{ policies: [{{ name: p, advice: a, when: '{value} > 0' }}] }} }} }}"));
        Assert.EndsWith($"warning: processors.tap.advice.policies[0].when: policy `p`: `{value}`: {problem}", said, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_wrong_in_a_condition_has_its_line_and_column()
    {
        var problems = Configured.Problems("""
            processors:
              tap:
                advice:
                  policies:
                    - name: mine
                      when: tool.calls_1m > 5 and tool.eror.ratio_1m > 1 or llm.latency.p95_5m > 20%
                      advice: reroute
                    - name: other
                      when: |
                        tool.calls_1m > 5
                        and tool.calls_1m < 1s
                      advice: reroute
            """);
        Assert.Equal(
            [
                "tap.yaml:6:39: processors.tap.advice.policies[0].when: policy `mine`: `tool.eror.ratio_1m` is no value: the nearest is `tool.errors.ratio_1m`; docs/health.md has them all",
                "tap.yaml:6:86: processors.tap.advice.policies[0].when: policy `mine`: a ratio is compared with a duration",
                "tap.yaml:9:17: processors.tap.advice.policies[1].when: in line 2, column 21 of the condition: policy `other`: a duration is compared with a count",
            ],
            problems);
    }

    private static AdviceOptions Read(string advice) => Configured.Valid($"processors: {{ tap: {{ advice: {advice.ReplaceLineEndings(" ")} }} }}").Processor.Advice;
}
