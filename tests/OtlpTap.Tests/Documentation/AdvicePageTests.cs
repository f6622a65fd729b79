using System.Text.RegularExpressions;
using OtlpTap.Advice;
using OtlpTap.Advice.Conditions;
using OtlpTap.Health;
using OtlpTap.Tests.Configuration;

namespace OtlpTap.Tests.Documentation;

/// <summary>What the page on advice, and that on the values of health, say can be used as it stands.</summary>
public sealed partial class AdvicePageTests
{
    private static readonly string Text = Markdown.Read("docs/advice.md").Text;

    [Fact]
    public void Its_table_of_shipped_policies_is_what_is_shipped() =>
        Assert.Equal(
            DefaultPolicies.All.Select(policy => (policy.Name, policy.Condition.Text, policy.Advice)),
            PolicyRow().Matches(Text).Select(row => (row.Groups["name"].Value, row.Groups["when"].Value, row.Groups["advice"].Value)));

    [Fact]
    public void Every_value_and_condition_that_it_names_is_one()
    {
        var quotes = Quote().Matches(Text + Markdown.Read("docs/health.md").Text).Select(quote => quote.Groups["text"].Value).ToList();
        var names = quotes.Where(quote => ValueName().IsMatch(quote)).ToList();
        var conditions = quotes.Where(quote => quote.Contains(" > ", StringComparison.Ordinal) || quote.Contains(" >= ", StringComparison.Ordinal)).ToList();

        Assert.True(names.Count > 15);
        Assert.All(names, name => Assert.True(HealthValue.TryParse(name, out _, out var error), error));
        Assert.True(conditions.Count > 7);
        Assert.All(conditions, condition => Assert.NotNull(PolicyCondition.Parse(condition, [])));
    }

    [Fact]
    public void The_policies_of_its_example_are_in_force_as_it_says()
    {
        var options = Configured.Valid(Markdown.Read("docs/advice.md").Blocks("yaml").Single()).Processor.Advice;
        Assert.Equal(0.1, options.Holdout);
        Assert.Equal(
            DefaultPolicies.All.Select(policy => policy.Name).Except(["hallucinating-often"]).Append("too-many-tokens").Order(),
            options.Policies.Select(policy => policy.Name).Order());
        var slow = options.Policies.Single(policy => policy.Name == "model-slow");
        Assert.Equal(("reroute", DefaultPolicies.All.Single(policy => policy.Name == "model-slow").Condition), (slow.Advice, slow.Condition));
        Assert.Single(options.Policies, policy => policy.Condition.Level == Level.Tool && policy.Advice == Policy.Reroute);
    }

    [Fact]
    public void Its_defaults_are_those_of_the_options()
    {
        var timing = new HysteresisOptions();
        var options = new AdviceOptions();
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(15)), (timing.For, timing.CoolDown, timing.CoolDownMax));
        Assert.Contains($"every `interval` ({options.Interval.TotalMilliseconds} ms)", Text, StringComparison.Ordinal);
        Assert.Equal(256, options.ActiveMax);
        Assert.All(DefaultPolicies.All, policy => Assert.Equal(policy.Condition.Values.All(value => value.Window == HealthWindow.Hour) ? 5 : 1, policy.Timing.CoolDown.TotalMinutes));
    }

    [GeneratedRegex(@"^\| `(?<name>[a-z-]+)` \| `(?<when>[^`]+)` \| `(?<advice>[a-z_]+)` \|$", RegexOptions.Multiline)]
    private static partial Regex PolicyRow();

    [GeneratedRegex(@"(?<!`)`(?<text>[^`\n]+)`(?!`)")]
    private static partial Regex Quote();

    [GeneratedRegex(@"^[a-z_.0-9]+_(1m|5m|1h)$")]
    private static partial Regex ValueName();
}
