using OtlpTap.Corpus;
using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Corpus;

/// <summary>Which failures are one case when everything speaks, rules and detectors, on all captured traces; and what each is called.</summary>
public sealed class CaseIdentityTests
{
    /// <summary>Scenarios of an instrumentation that look the same in what it records.</summary>
    private static readonly Dictionary<string, string[][]> RecordedAlike = new(StringComparer.Ordinal)
    {
        ["*"] =
        [
            ["tool-throws", "tool-retry-recovers", "tool-throws-streaming", "grpc-tool-throws", "responses-tool-throws"],
            ["hallucination", "responses-hallucination"],

            // One question and one answer, judged by others in different ways too.
            ["rag-hallucination", "score-hallucination-rest", "eval-posthoc-hallucinated", "feedback-session-scope", "feedback-thumbs-down"],
            ["eval-log-faithfulness-low", "eval-log-hallucinated"],
            ["eval-log-response-id-only", "feedback-logfire-annotation"],
        ],

        // They record neither a refusal nor a filter, only an answer without words.
        ["langfuse-openai"] = [["empty-output", "content-filter"]],
        ["otel-js-openai"] = [["empty-output", "refusal"]],
        ["strands-agents-latest"] = [["empty-output", "refusal"]],
        ["traceloop-langchain"] = [["empty-output", "refusal"]],
    };

    public static TheoryData<string> Instrumentations => [.. FixtureScenario.Instrumentations];

    [Theory]
    [MemberData(nameof(Instrumentations))]
    public void The_same_scenario_in_another_run_and_about_other_things_is_one_case(string instrumentation)
    {
        foreach (var scenario in FixtureScenario.Of(instrumentation))
        {
            var first = scenario.Case()?.Group;
            Assert.Equal((scenario.Name, first), (scenario.Name, scenario.Again(1).Case()?.Group));
            var reworded = scenario.Again(2).WithOtherValues(("Paris", "Lyon"), ("35", "41"), ("365", "480"), ("2000 ms", "3500 ms"), ("dust storm", "sand storm"), ("get_wether_v2", "weather_lookup"));
            var other = reworded.Case()?.Group;
            if (first?.Message.Contains("get_wether_v", StringComparison.Ordinal) != true)
            {
                Assert.Equal((scenario.Name, first), (scenario.Name, other));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Instrumentations))]
    public void Scenarios_that_fail_in_different_ways_are_different_cases(string instrumentation)
    {
        var failing = FixtureScenario.Of(instrumentation).Select(scenario => (scenario.Name, Case: scenario.Case())).Where(scenario => scenario.Case is not null).ToList();
        foreach (var one in failing)
        {
            foreach (var other in failing.Where(other => string.CompareOrdinal(one.Name, other.Name) < 0))
            {
                var isAlike = RecordedAlike["*"].Concat(RecordedAlike.GetValueOrDefault(instrumentation, [])).Any(alike => alike.Contains(one.Name) && alike.Contains(other.Name));
                Assert.True(isAlike || one.Case!.Value.Group.Fingerprint != other.Case!.Value.Group.Fingerprint, $"{one.Name} and {other.Name}: {one.Case!.Value.Group}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Instrumentations))]
    public void A_title_says_who_failed_and_in_words_what(string instrumentation)
    {
        foreach (var scenario in FixtureScenario.Of(instrumentation))
        {
            if (scenario.Case() is var (group, title))
            {
                Assert.StartsWith($"{group.Agent}: ", title, StringComparison.Ordinal);
                Assert.InRange(title.Split(' ').Length, 5, 60);
                Assert.DoesNotContain('\n', title);
                Assert.False(title.EndsWith(": " + group.Message, StringComparison.Ordinal) && !group.Message.Contains(' ', StringComparison.Ordinal), title);
            }
        }
    }

    [Theory]
    [InlineData("dotnet-meai/hallucination", "weather-agent: answer contradicts tool `get_weather`: the answer says \"it is sunny in paris celsius with a dust storm warning\" where its inputs say \"rain\"")]
    [InlineData("langfuse-openai/rag-hallucination", "rag_chain: answer not supported by the documents: \"365 days\" is in none of the answer's inputs")]
    [InlineData("traceloop-langchain/rag-hallucination", "RunnableLambda: answer not supported by what it was given: \"365 days\" is in none of the answer's inputs")]
    [InlineData("vercel-ai-sdk-7/bad-tool-args-json", "weather-agent: the model called \"get_weather\" with arguments that are no JSON")]
    [InlineData("vercel-ai-sdk-7/tool-throws", "weather-agent: tool `get_weather` failed: Error: weather backend timed out after <n> ms")]
    [InlineData("otel-js-openai/tool-throws", "weather-agent: tool `get_weather` failed: error: weather backend timed out after <n> ms")]
    [InlineData("otel-js-openai/provider-error-429", "weather-agent: call of `fake-model-1` failed: RateLimitError: 429 rate limit reached for fake-model-<n>")]
    [InlineData("openinference-openai/provider-error-429", "weather_agent: call of the model failed: rate_limit_exceeded: 429 rate limit reached for fake-model-<n>")]
    [InlineData("vercel-ai-sdk-7/finish-length", "weather-agent: answer of `fake-model-1` was cut off (genai_truncated)")]
    [InlineData("strands-agents-latest/empty-output", "weather_agent: `fake-model-1` answered with nothing")]
    [InlineData("traceloop-langchain/unknown-tool", "CompiledStateGraph: the model was told that there is no such tool")]
    [InlineData("langfuse-openai/max-steps", "weather_agent: planning error: agent stopped: max steps (<n>) reached")]
    public void Titles_read_well(string scenario, string expected)
    {
        var names = scenario.Split('/');
        Assert.Equal(expected, FixtureScenario.Of(names[0]).Single(one => one.Name == names[1]).Case()!.Value.Title);
    }

    // Cases of rules that lie in folders since they were first written: their names stay.
    [Theory]
    [InlineData("dotnet-meai/content-filter", "c2781f591581182c")]
    [InlineData("dotnet-meai/tool-throws", "f3d04cdf75b99eaf")]
    [InlineData("langfuse-openai/max-steps", "223f9356bc640fec")]
    [InlineData("openinference-openai/eval-inline-hallucinated", "04bed08f00536974")]
    [InlineData("traceloop-mcp/call-unknown-tool", "2cc71d9e3bf8f426")]
    public void Fingerprints_of_what_rules_find_are_what_they_were(string scenario, string expected)
    {
        var names = scenario.Split('/');
        Assert.Equal(expected, FixtureScenario.Of(names[0]).Single(one => one.Name == names[1]).Case()!.Value.Group.Fingerprint);
    }

    [Fact]
    public void Hallucinations_of_one_agent_differ_by_what_decided_the_sort_of_claim_and_what_it_should_rest_on()
    {
        var (search, both) = (RunWith("search"), RunWith("search", "lookup"));
        CaseGroup[] groups =
        [
            Of(search, "grounding", "number"),
            Of(search, "grounding", "date"),
            Of(search, "grounding", "contradiction", subject: "search"),
            Of(search, "grounding", "no_source"),
            Of(both, "grounding", "number"),
            Of(both, "grounding", "contradiction", subject: "lookup"),
            Of(RunWith(), "grounding", "number"),
            Of(search, "our_judge", null, VerdictSource.Judge),
            Of(both, "our_judge", null, VerdictSource.Judge),
            Of(search, "faithfulness", null, VerdictSource.Evaluation),
        ];
        Assert.Equal(groups.Length, groups.Select(group => group.Fingerprint).Distinct().Count());
    }

    [Fact]
    public void What_an_answer_says_how_often_and_in_which_order_tools_were_called_and_by_which_model_changes_nothing()
    {
        var expected = Of(RunWith("search", "lookup"), "grounding", "number");
        Assert.Equal(expected, Of(RunWith("lookup", "search", "lookup"), "grounding", "number"));
        Assert.Equal(expected, Of(RunWith("search", "lookup"), "grounding", "number", explanation: "\"43\" is in none.", evidence: "43"));
        Assert.Equal(Of(RunWith("a", "b", "c", "d"), "grounding", "number"), Of(RunWith("a", "b", "c", "d", "e"), "grounding", "number"));
    }

    private static CaseGroup Of(AgentRun run, string decidedBy, string? aspect, string source = VerdictSource.Detector, string? subject = null, string explanation = "\"42\" is in none.", string evidence = "42") =>
        CaseGroup.Of(new Verdict(new SpanId(1), FailureKind.Hallucination, decidedBy, source) { Aspect = aspect, Subject = subject, Explanation = explanation, Evidence = [evidence] }, run);

    private static AgentRun RunWith(params string[] tools) => new(new TraceId(1, 1),
    [
        new RunStep { TraceId = new TraceId(1, 1), SpanId = new SpanId(1), Name = "chat", Kind = StepKind.Llm, Agent = "planner", Model = "gpt-5-mini" },
        .. tools.Select((tool, number) => new RunStep { TraceId = new TraceId(1, 1), SpanId = new SpanId((ulong)number + 2), Name = tool, Kind = StepKind.Tool, Tool = tool }),
    ]);
}
