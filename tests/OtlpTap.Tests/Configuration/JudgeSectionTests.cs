using OtlpTap.Configuration;
using OtlpTap.Judges;

namespace OtlpTap.Tests.Configuration;

public sealed class JudgeSectionTests
{
    [Fact]
    public void One_judge_is_a_map_and_several_are_a_list()
    {
        var one = Judges("""{ endpoint: "http://judge:8080/check?v=1", sample: 0.5, only_failing: true, timeout: 2s, concurrency: 4, budget_per_minute: 10, max_request_kib: 64, failure: off_topic }""");
        var several = Judges("""[{ name: a, endpoint: "https://judge/" }, { name: b, enabled: false, endpoint: "https://judge/" }, { name: c, openai: { base_url: "http://model:8000/v1/", model: m } }]""");

        Assert.Equal(new Uri("http://judge:8080/check?v=1"), Assert.Single(one).Url);
        Assert.Equal(("judge", "off_topic", 0.5, true, TimeSpan.FromSeconds(2), 4, 10, 65536), (one[0].Name, one[0].Failure, one[0].Sample, one[0].OnlyFailing, one[0].Timeout, one[0].Concurrency, one[0].BudgetPerMinute, one[0].RequestBytesMax));
        Assert.Equal(["a", "c"], several.Select(judge => judge.Name));
        Assert.Equal(new Uri("http://model:8000/v1/chat/completions"), several[1].Url);
        Assert.Equal(PromptTemplate.Grounding, several[1].Chat!.Prompt);
        Assert.Null(several[0].Chat);
    }

    [Fact]
    public void Two_readings_of_the_same_text_are_equal_so_that_a_reload_changes_nothing()
    {
        const string Text = """{ openai: { base_url: "http://model/v1", model: m }, headers: { authorization: "Bearer x" } }""";

        Assert.True(Judges(Text).SequenceEqual(Judges(Text)));
    }

    [Fact]
    public void A_prompt_is_read_from_its_file_and_told_what_is_wrong_with_it()
    {
        using var good = new TemporaryFile("Be strict.\n===\n{{answer}}");
        using var bad = new TemporaryFile("{{anwser}}");

        var judge = Assert.Single(Judges($$"""{ openai: { base_url: "http://model/v1", model: m, prompt_file: '{{good.Path}}' } }"""));
        Assert.Equal([("system", "Be strict."), ("user", "42")], judge.Chat!.Prompt.Fill(_ => "42"));
        Assert.Contains("none of `{{user_input}}`", Assert.Single(Configured.Problems(Yaml($$"""{ openai: { base_url: "http://model/v1", model: m, prompt_file: '{{bad.Path}}' } }"""))), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_read_shows_no_credential()
    {
        var judge = Assert.Single(Judges("""{ endpoint: "http://judge/", headers: { authorization: "Bearer s3cret" } }"""));

        Assert.Equal(("authorization", "Bearer s3cret"), Assert.Single(judge.Connection.Headers));
        Assert.DoesNotContain("s3cret", judge.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ endpoint: "http://judge/", headers: { authorization: "Bearer s3cret" } }""")]
    [InlineData("""[{ endpoint: "http://judge/", headers: { authorization: "Bearer s3cret" } }]""")]
    public void What_is_printed_shows_no_credential(string judge)
    {
        var loaded = Configured.Load(Yaml(judge));

        var printed = new ConfigurationPrinter(new ConfigurationLoader().Describe(loaded.Options!), isRedacted: true, hasDefaults: true).Print(loaded.Merged!);

        Assert.Contains("authorization: \"[REDACTED]\"", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", printed, StringComparison.Ordinal);
    }

    private static System.Collections.Immutable.ImmutableArray<JudgeOptions> Judges(string judge) => Configured.Valid(Yaml(judge)).Processor.Judges;

    private static string Yaml(string judge) => $"processors: {{ tap: {{ detectors: {{ judge: {judge} }} }} }}\n";
}
