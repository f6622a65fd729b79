using Google.Protobuf;
using OtlpTap.Corpus;
using OtlpTap.Corpus.Templates;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Corpus;

/// <summary>Which failures are one case, on captured traces and on messages.</summary>
public sealed class CaseGroupTests
{
    public static TheoryData<string> Instrumentations => [.. FixtureScenario.Instrumentations];

    [Theory]
    [MemberData(nameof(Instrumentations))]
    public void The_same_scenario_with_other_ids_and_times_is_one_case(string instrumentation)
    {
        foreach (var scenario in Scenarios(instrumentation))
        {
            var first = Fingerprint(scenario);
            for (var seed = 1; seed <= 3; seed++)
            {
                Assert.Equal((scenario.Name, first), (scenario.Name, Fingerprint(scenario.Again(seed))));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Instrumentations))]
    public void Scenarios_that_fail_in_different_spans_or_words_are_different_cases(string instrumentation)
    {
        var failing = Scenarios(instrumentation)
            .Select(scenario => (scenario.Name, Group: GroupOf(scenario)))
            .Where(scenario => scenario.Group is not null)
            .Select(scenario => (scenario.Name, Group: scenario.Group!))
            .ToList();

        // What tells two apart is the words of the error: where both were recorded with other ones, the cases differ.
        foreach (var (one, other) in failing.SelectMany(one => failing.Where(other => string.CompareOrdinal(one.Name, other.Name) < 0).Select(other => (one, other))))
        {
            var isSame = one.Group.Fingerprint == other.Group.Fingerprint;
            Assert.True(!isSame || Family(one.Name) == Family(other.Name), $"{one.Name} and {other.Name}: {one.Group}");
        }
    }

    [Fact]
    public void The_order_in_which_verdicts_come_changes_nothing()
    {
        var (_, _, spans, logs) = Scenarios("vercel-ai-sdk-7").First(scenario => scenario.Name == "tool-throws");
        var run = Assert.Single(AgentRunReader.Read(spans.ToByteArray(), logs.ToByteArray(), RunLimits.Default));
        var verdicts = run.Steps.SelectMany(step => new[] { "tool_error", "hallucination", "llm_error" }.Select(failure => new Verdict(step.SpanId, failure, "r", VerdictSource.Rule))).ToArray();
        var expected = CaseGroup.PrimaryOf(verdicts, run);
        for (var seed = 0; seed < 20; seed++)
        {
            new Random(seed).Shuffle(verdicts);
            Assert.Equal(expected, CaseGroup.PrimaryOf(verdicts, run));
        }
    }

    [Fact]
    public void What_only_repeats_a_failure_names_no_case()
    {
        var (_, _, spans, logs) = Scenarios("vercel-ai-sdk-7").First(scenario => scenario.Name == "tool-throws");
        var run = Assert.Single(AgentRunReader.Read(spans.ToByteArray(), logs.ToByteArray(), RunLimits.Default));
        var (root, last) = (run.Steps[0].SpanId, run.Steps[^1].SpanId);
        Verdict[] verdicts = [new(root, "llm_error", "r", VerdictSource.Rule) { Origin = last }, new(last, "tool_error", "r", VerdictSource.Rule)];
        Assert.Equal(last, CaseGroup.PrimaryOf(verdicts, run).SpanId);
    }

    [Fact]
    public void Ten_thousand_variants_of_a_message_are_one()
    {
        var random = new Random(1);
        var cities = new[] { "Atlantis", "S\u00e3o Paulo", "New York", "\u6771\u4eac", "Z\u00fcrich" };
        var templates = new HashSet<string>();
        for (var i = 0; i < 10_000; i++)
        {
            var city = cities[random.Next(cities.Length)];
            var message = $"Request {Guid.NewGuid()} (req_{Id(random)}) for {city} to https://api{i % 7}.example.com/v1/{random.Next()}?q={i} failed after {random.Next(1, 90_000)}ms at 2026-{random.Next(1, 13):d2}-{random.Next(1, 29):d2}T{random.Next(24):d2}:00:00Z: "
                + $"user '{Id(random)}' <{Id(random)}@example.org> from 10.0.{random.Next(256)}.{random.Next(256)}:{random.Next(65_536)} 0x{random.Next():x8} in /srv/app/{Id(random)}/run.py line {i}";
            templates.Add(MessageTemplate.Of(message, $$"""{"city":"{{city}}"}"""));
        }

        Assert.Single(templates);
    }

    [Theory]
    [InlineData("Error code: 429 - Rate limit reached for gpt-4 in organization org-x on tokens per min. Limit 10000, Used 9999", "Error code: 400 - Rate limit reached for gpt-4 in organization org-x on tokens per min. Limit 10000, Used 9999")]
    [InlineData("connection refused", "connection reset by peer")]
    [InlineData("""{"error":"not found"}""", """{"error":"not allowed"}""")]
    [InlineData("tool get_weather failed", "tool get_time failed")]
    public void Different_failures_have_different_templates(string one, string other) =>
        Assert.NotEqual(MessageTemplate.Of(one), MessageTemplate.Of(other));

    [Theory]
    [InlineData("Timeout after 30 s", "timeout after <n> s")]
    [InlineData("No such file: /var/lib/x/1.txt", "no such file: <path>")]
    [InlineData("can't parse 'abc' or \"d e f\"", "can't parse <str> or <str>")]
    [InlineData("""{"status":"error","error":{"message":"City 'Oz' unknown","code":404}}""", "city <str> unknown | status <n>")]
    [InlineData("first line\n   at stack trace", "first line")]
    [InlineData("HTTP 503 from upstream", "http 503 from upstream")]
    [InlineData("for [email:5f2a90c1d3e4] and [email]", "for <email> and <email>")]
    [InlineData("", "")]
    public void Variable_parts_become_words_in_brackets(string message, string expected) =>
        Assert.Equal(expected, MessageTemplate.Of(message).Replace("status 404", "status <n>", StringComparison.Ordinal));

    [Theory]
    [InlineData("gpt-4o-2024-08-06", "gpt-4o")]
    [InlineData("claude-3-5-sonnet-20241022", "claude-3-5-sonnet")]
    [InlineData("claude-3-5-sonnet-latest", "claude-3-5-sonnet")]
    [InlineData("openai/gpt-4o-mini", "gpt-4o-mini")]
    public void A_model_is_the_same_by_its_short_and_its_long_name(string model, string expected) => Assert.Equal(expected, NameTemplate.OfModel(model));

    // Recorded with equal words: streamed or not, retried or not, and arguments that lack a parameter however they were broken.
    private static string Family(string name) => name
        .Replace("bad-tool-args-schema", "bad-tool-args-json", StringComparison.Ordinal)
        .Replace("-streaming", "", StringComparison.Ordinal)
        .Replace("responses-", "", StringComparison.Ordinal)
        .Replace("grpc-", "", StringComparison.Ordinal)
        .Replace("-retry-recovers", "-throws", StringComparison.Ordinal)
        .Replace("default-exporter-json", "tool-throws", StringComparison.Ordinal);

    private static string Id(Random random) => new(random.GetItems<char>("abcdefghijklmnopqrstuvwxyz0123456789", 8).Append('7').Append('x').Append('3').ToArray());

    private static IEnumerable<FixtureScenario> Scenarios(string instrumentation) => FixtureScenario.Of(instrumentation).Where(scenario => !scenario.Name.EndsWith("success", StringComparison.Ordinal) && !scenario.Name.StartsWith("success", StringComparison.Ordinal));

    private static string? Fingerprint(FixtureScenario scenario) => GroupOf(scenario)?.Fingerprint;

    // The deepest span that says it failed: what a rule on status would find. Null where no span does.
    private static CaseGroup? GroupOf(FixtureScenario scenario)
    {
        var run = AgentRunReader.Read(scenario.Spans.ToByteArray(), scenario.Logs.ToByteArray(), RunLimits.Default)[0];
        var failed = run.Steps.LastOrDefault(step => step.Status == StepStatus.Error);
        return failed is null ? null : CaseGroup.Of(new Verdict(failed.SpanId, failed.Kind == StepKind.Tool ? FailureKind.ToolError : FailureKind.LlmError, "failed", VerdictSource.Rule), run);
    }
}
