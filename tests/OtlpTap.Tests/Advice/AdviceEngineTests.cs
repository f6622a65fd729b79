using System.Collections.Immutable;
using Microsoft.Extensions.Time.Testing;
using OtlpTap.Advice;
using OtlpTap.Advice.Conditions;
using OtlpTap.Health;
using OtlpTap.Metrics;
using OtlpTap.Tests.Forward;
using Prometheus;

namespace OtlpTap.Tests.Advice;

public sealed class AdviceEngineTests : IDisposable
{
    private static readonly HealthScope Search = new("shop", "planner", "search", "");
    private static readonly Policy Failing = Policy("failing", "tool.errors.ratio_1m > 50% and tool.calls_1m >= 5") with
    {
        Parameters = ImmutableSortedDictionary<string, string>.Empty.Add("fallback_tool", "search_backup"),
    };

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ScriptedHealth _health = new();
    private readonly KeptTelemetry _telemetry = new();
    private readonly ListLogger<AdviceEngine> _log = new();
    private AdviceEngine? _engine;

    public void Dispose() => _engine?.Dispose();

    [Fact]
    public void A_failing_tool_is_advised_against_within_a_second_and_until_it_has_worked_for_the_cool_down()
    {
        var engine = Start(Failing);
        Fail(Search);
        Pass(1);

        var item = Assert.Single(engine.Current.Items);
        Assert.Equal("failing:shop/planner/search", item.Id);
        Assert.Equal(("failing", "reroute", Search), (item.Policy, item.Advice, item.Scope));
        Assert.Equal("search_backup", item.Parameters["fallback_tool"]);
        Assert.Equal(_time.GetUtcNow(), item.Since);
        Assert.Equal([("tool.calls_1m", 10), ("tool.errors.ratio_1m", 0.8)], item.Values.OrderBy(value => value.Key).Select(value => (value.Key, value.Value)));
        Assert.Equal("tool search of shop/planner: 80% of calls failed, 10 calls in the last minute", item.Reason);

        Work(Search);
        Pass(59);
        Assert.Single(engine.Current.Items);
        Pass(2);
        Assert.Empty(engine.Current.Items);
    }

    [Fact]
    public void A_reroute_names_the_fallback_that_is_configured_for_its_tool_and_says_where_there_is_none()
    {
        var fallbacks = new FallbackTargets { Tools = ImmutableSortedDictionary<string, string>.Empty.Add("search", "search_backup") };
        var policy = Policy("failing", "tool.errors.ratio_1m > 50% and tool.calls_1m >= 5") with { Fallbacks = fallbacks };
        var engine = Start(policy, policy with { Name = "own", Parameters = Failing.Parameters.SetItem("fallback_tool", "other") });
        Fail(Search);
        Fail(Search with { Tool = "pay" });
        Pass(1);

        var items = engine.Current.Items.ToDictionary(item => item.Id);
        Assert.Equal("search_backup", items["failing:shop/planner/search"].Parameters["fallback_tool"]);
        Assert.EndsWith("in the last minute", items["failing:shop/planner/search"].Reason, StringComparison.Ordinal);
        Assert.Equal("other", items["own:shop/planner/search"].Parameters["fallback_tool"]);
        Assert.Empty(items["failing:shop/planner/pay"].Parameters);
        Assert.EndsWith("in the last minute; no fallback is configured for it", items["failing:shop/planner/pay"].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_has_its_own_fallback_and_other_words_than_reroute_have_none()
    {
        var fallbacks = new FallbackTargets { Models = ImmutableSortedDictionary<string, string>.Empty.Add("large", "small"), Tools = ImmutableSortedDictionary<string, string>.Empty.Add("large", "wrong") };
        var policy = Policy("failing", "llm.errors.ratio_1m > 50%") with { Fallbacks = fallbacks };
        var large = new HealthScope("shop", "planner", "", "large");

        Assert.Equal(["fallback_model=small"], policy.ParametersAt(large).Select(pair => $"{pair.Key}={pair.Value}"));
        Assert.Empty((policy with { Advice = "ask_user" }).ParametersAt(large));
        Assert.Empty(policy.ParametersAt(HealthScope.OfAgent("shop", "planner")));
        Assert.NotEqual(policy, policy with { Fallbacks = FallbackTargets.None });
    }

    [Fact]
    public void What_advice_says_stays_as_it_was_given_and_so_does_the_version()
    {
        var engine = Start(Failing);
        var before = engine.Current.Version;
        Fail(Search);
        Pass(1);
        Assert.Equal(before + 1, engine.Current.Version);
        var given = engine.Current;
        _health.Set(Search, ("tool.errors.ratio_1m", 0.9));
        Pass(1);
        Assert.Same(given, engine.Current);
        Assert.Equal(0.8, given.Items[0].Values["tool.errors.ratio_1m"]);
        Assert.Contains("80%", given.Items[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_waits_is_told_of_the_next_change_and_who_is_behind_at_once()
    {
        var engine = Start(Failing);
        var first = engine.Current;
        var waiting = engine.NextAsync(first.Version, Deadline.Token());
        Pass(3);
        Assert.False(waiting.IsCompleted);
        Fail(Search);
        Pass(1);

        Assert.Equal(first.Version + 1, (await waiting).Version);
        Assert.Same(engine.Current, await engine.NextAsync(first.Version, Deadline.Token()));
        using var gone = new CancellationTokenSource();
        var cancelled = engine.NextAsync(engine.Current.Version, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
    }

    [Fact]
    public void A_version_of_before_a_restart_is_not_used_again()
    {
        var engine = Start(Failing);
        Fail(Search);
        Pass(1);
        var before = engine.Current.Version;
        engine.Dispose();
        Assert.NotEqual(before, Start(Failing).Current.Version);
    }

    [Fact]
    public void What_is_no_longer_known_counts_as_not_failing_and_its_advice_ends_after_the_cool_down()
    {
        var engine = Start(Failing);
        Fail(Search);
        Pass(1);
        _health.Forget(Search);
        Pass(59);
        Assert.Single(engine.Current.Items);
        Pass(2);
        Assert.Empty(engine.Current.Items);

        // The trial fails: at once, and now for twice as long.
        Fail(Search);
        Pass(1);
        Assert.Single(engine.Current.Items);
        _health.Forget(Search);
        Pass(119);
        Assert.Single(engine.Current.Items);
        Pass(2);
        Assert.Empty(engine.Current.Items);
    }

    [Fact]
    public void A_policy_is_evaluated_at_the_scopes_of_its_subject_that_its_filter_admits()
    {
        HealthScope[] scopes =
        [
            HealthScope.OfService("shop"), HealthScope.OfAgent("shop", "planner"), Search, new("shop", "", "search", ""), new("shop", "planner", "", "m-1"),
            HealthScope.OfService("batch"), new("batch", "", "search", ""), new("shop", "writer", "search", ""), new("", "", "search", ""), default(HealthScope) with { Service = "", Agent = "", Tool = "", Model = "" },
        ];
        foreach (var scope in scopes)
        {
            _health.Set(scope, ("tool.calls_1m", 1), ("llm.calls_1m", 1), ("run.calls_1m", 1));
        }

        var engine = Start(
            Policy("tool", "tool.calls_1m > 0"),
            Policy("tool-of-p", "tool.calls_1m > 0") with { Scope = new ScopeFilter { Agent = new NameFilter("p*r"), Tool = new NameFilter("search") } },
            Policy("model", "llm.calls_1m > 0"),
            Policy("run", "run.calls_1m > 0"),
            Policy("batch", "run.calls_1m > 0") with { Scope = new ScopeFilter { Service = new NameFilter("batch") } });
        Pass(1);

        Assert.Equal(
            [
                "batch:batch", "model:shop/planner/m-1", "run:batch", "run:shop/planner", "tool-of-p:shop/planner/search",
                "tool:batch/search", "tool:shop/planner/search", "tool:shop/writer/search",
            ],
            engine.Current.Items.Select(item => item.Id).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_is_true_for_a_service_and_for_none_of_its_agents_alone_is_told_to_all_of_them()
    {
        var all = Search with { Agent = "" };
        var engine = Start(Failing);
        Fail(all);
        _health.Set(Search, ("tool.errors.ratio_1m", 1), ("tool.calls_1m", 4));
        Pass(1);
        Assert.Equal(all, Assert.Single(engine.Current.Items).Scope);

        // One that fails alone is told alone.
        Fail(Search);
        Pass(61);
        Assert.Equal(Search, Assert.Single(engine.Current.Items).Scope);

        // Also while it cools down.
        Work(Search);
        Pass(30);
        Assert.Equal(Search, Assert.Single(engine.Current.Items).Scope);
    }

    [Fact]
    public void What_an_agent_does_between_two_looks_is_not_told_to_its_whole_service()
    {
        var service = Search with { Agent = "" };
        var engine = Start(Failing);
        Work(Search);
        Work(service);
        _health.Reading = scope =>
        {
            if (scope == service)
            {
                Fail(Search);
                Fail(service);
            }
        };

        Pass(2);

        Assert.Equal("failing:shop/planner/search", Assert.Single(engine.Current.Items).Id);
    }

    [Fact]
    public void Names_in_an_id_are_encoded()
    {
        var engine = Start(Failing);
        Fail(new HealthScope("a/b", "c d", "e:f", ""));
        Pass(1);
        Assert.Equal("failing:a%2Fb/c%20d/e%3Af", engine.Current.Items[0].Id);
    }

    [Fact]
    public void Advice_is_bounded_and_what_goes_beyond_is_counted_once()
    {
        var engine = Start(new AdviceOptions { Policies = [Failing], ActiveMax = 2 });
        for (var i = 0; i < 5; i++)
        {
            Fail(Search with { Tool = $"tool-{i}" });
        }

        Pass(3);
        Assert.Equal(2, engine.Current.Items.Count);
        Assert.Equal(3, MetricText.Value(_registry, "otlptap_advice_refused_total"));
        var first = engine.Current.Items[0].Scope;
        Work(first);
        Pass(61);
        Assert.Equal(2, engine.Current.Items.Count);
        Assert.DoesNotContain(first, engine.Current.Items.Select(item => item.Scope));
        Assert.Equal(3, MetricText.Value(_registry, "otlptap_advice_refused_total"));
    }

    /// <summary>Prometheus sees no increase of a series that begins at one.</summary>
    [Fact]
    public void The_changes_of_a_policy_are_counted_from_zero()
    {
        Start(Failing);

        Assert.Equal(0, MetricText.Value(_registry, "otlptap_advice_changes_total{policy=\"failing\",change=\"raised\"}"));
        Assert.Equal(0, MetricText.Value(_registry, "otlptap_advice_changes_total{policy=\"failing\",change=\"withdrawn\"}"));
    }

    [Fact]
    public void Every_change_is_told_to_the_backend_to_the_log_and_to_Prometheus()
    {
        var engine = Start(Failing);
        Assert.Equal(0, MetricText.Value(_registry, "otlptap_advice_active{policy=\"failing\",advice=\"reroute\"}"));
        Fail(Search);
        Pass(1);
        Assert.Equal(1, MetricText.Value(_registry, "otlptap_advice_active{policy=\"failing\",advice=\"reroute\"}"));
        engine.End();
        engine.End();
        Pass(5);

        Assert.Equal(
            [
                "Warning: Advice failing:shop/planner/search: reroute. tool search of shop/planner: 80% of calls failed, 10 calls in the last minute",
                "Information: Advice failing:shop/planner/search withdrawn after 00:00:00: the tap ends",
            ],
            _log.Messages);
        Assert.Equal(["otlptap.advice.raised", "otlptap.advice.withdrawn"], _telemetry.Spans.Select(span => span.Name));
        Assert.Equal(["otlptap.advice.raised", "otlptap.advice.withdrawn"], _telemetry.Logs.Select(record => record.EventName));
        Assert.Equal(0, MetricText.Value(_registry, "otlptap_advice_active{policy=\"failing\",advice=\"reroute\"}"));
        Assert.Equal(1, MetricText.Value(_registry, "otlptap_advice_changes_total{policy=\"failing\",change=\"raised\"}"));
        Assert.Equal(1, MetricText.Value(_registry, "otlptap_advice_changes_total{policy=\"failing\",change=\"withdrawn\"}"));
        Assert.Empty(engine.Current.Items);
    }

    [Fact]
    public void Other_policies_take_effect_and_advice_of_those_that_stay_stays()
    {
        var many = Policy("many", "tool.calls_1m > 9");
        var engine = Start(Failing, many);
        Fail(Search);
        Pass(1);
        var stays = engine.Current.Items.Single(item => item.Policy == "failing");

        engine.Change(new AdviceOptions
        {
            Policies = [Policy("failing", Failing.Condition.Text) with { Parameters = Failing.Parameters }, many with { Advice = "ask_user" }, Policy("run", "run.calls_1m > 0")],
            Holdout = 0.5,
            Interval = TimeSpan.FromSeconds(5),
        });
        Assert.Same(stays, Assert.Single(engine.Current.Items));
        Assert.Equal(0.5, engine.Holdout);
        Assert.Equal(0, MetricText.Value(_registry, "otlptap_advice_active{policy=\"many\",advice=\"reroute\"}"));
        Pass(4);
        Assert.Single(engine.Current.Items);
        Pass(1);
        Assert.Equal(["failing reroute", "many ask_user"], engine.Current.Items.Select(item => $"{item.Policy} {item.Advice}").Order());
        Assert.Contains(_log.Messages, message => message.EndsWith("the policy was changed", StringComparison.Ordinal));
    }

    [Fact]
    public void An_error_while_policies_are_evaluated_is_told_and_the_next_round_comes()
    {
        var engine = Start(Failing);
        Fail(Search);
        _health.Failure = new InvalidOperationException("broken");
        Pass(1);

        // Two rounds a second.
        Assert.Equal(2, MetricText.Value(_registry, "otlptap_advice_failures_total"));
        Assert.Equal(2, _log.Messages.Count);
        _health.Failure = null;
        Pass(1);
        Assert.Single(engine.Current.Items);
    }

    [Fact]
    public void A_value_that_oscillates_around_its_threshold_does_not_make_advice_flap()
    {
        var engine = Start(Failing);
        var before = engine.Current.Version;
        for (var second = 0; second < 3600; second++)
        {
            _health.Set(Search, ("tool.errors.ratio_1m", second / 7 % 2 == 0 ? 0.51 : 0.49), ("tool.calls_1m", 10));
            Pass(1);
        }

        Assert.Equal(before + 1, engine.Current.Version);
    }

    private static Policy Policy(string name, string condition) => new() { Name = name, Condition = PolicyCondition.Parse(condition, [])!, Advice = "reroute" };

    private AdviceEngine Start(params Policy[] policies) => Start(new AdviceOptions { Policies = [.. policies] });

    private AdviceEngine Start(AdviceOptions options)
    {
        var metrics = new AdviceMetrics(Prometheus.Metrics.WithCustomRegistry(_registry));
        _engine = new AdviceEngine(options, _health, _telemetry, "1.0", metrics, _time, _log);
        return _engine;
    }

    private void Fail(in HealthScope scope) => _health.Set(scope, ("tool.errors.ratio_1m", 0.8), ("tool.calls_1m", 10));

    private void Work(in HealthScope scope) => _health.Set(scope, ("tool.errors.ratio_1m", 0.1));

    private void Pass(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }
}
