using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Tests.Detectors;

/// <summary>Content made to take long: all detectors together are done within the time for one trace, give or take a slow machine. Of the processor: others may use it as well.</summary>
public sealed class HostileRunTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    [Fact]
    public void Ten_megabytes_of_arguments_and_result()
    {
        var huge = $$"""{"text":"{{new string('x', 10 << 20)}}"}""";
        Judge(new RunBuilder().Offers(("look", """{"type":"object"}""")).Calls("look", huge).Executes(huge).Answers(huge));
    }

    [Fact]
    public void Json_nested_without_end()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"error":""", 100_000)) + "1" + new string('}', 100_000);
        Judge(new RunBuilder().Offers(("look", deep)).Calls("look", deep).Executes(deep).Answers(new string('[', 1_000_000)));
    }

    [Fact]
    public void A_thousand_tools_and_a_call_of_none_of_them()
    {
        var tools = Enumerable.Range(0, 1000).Select(number => ($"tool_{number}", (string?)"""{"type":"object","properties":{"a":{"type":"string","pattern":"^(a+)+$"}}}""")).ToArray();
        Assert.Contains("planning_error@2", Judge(new RunBuilder().Offers(tools).Calls("none", """{"a":"b"}""")));
    }

    [Fact]
    public void A_million_calls_in_one_answer()
    {
        var parts = Enumerable.Range(0, 1_000_000).Select(_ => new MessagePart(PartKind.ToolCall, "") { ToolName = "look", Arguments = "{}" }).ToArray();
        Assert.NotEmpty(Judge(new RunBuilder().AnswersWith("tool_call", parts)));
    }

    [Fact]
    public void A_history_of_results_that_grows_with_every_call()
    {
        var run = new RunBuilder();
        for (var i = 0; i < 1000; i++)
        {
            run.Calls("look", $$"""{"at":{{i}}}""").Told("Error: gone");
        }

        Assert.NotEmpty(Judge(run.Answers("No.")));
    }

    [Fact]
    public void A_ring_of_parents()
    {
        var steps = Enumerable.Range(0, 10_000).Select(number => new RunStep
        {
            TraceId = RunBuilder.Trace,
            SpanId = new((ulong)number + 1),
            ParentId = new((((ulong)number + 1) % 10_000) + 1),
            Name = "chat",
            Kind = StepKind.Llm,
            FinishReason = "tool_call",
            Output = [new Message(MessageRole.Assistant, [new MessagePart(PartKind.ToolCall, "") { ToolName = "look", Arguments = "{}", CallId = $"{number}" }])],
        }).ToList();
        var took = ProcessorTime.Of(() => Judged.Verdicts(new AgentRun(RunBuilder.Trace, steps)));
        Assert.True(took < Soon, $"{took}");
    }

    private static string[] Judge(RunBuilder run)
    {
        var built = run.Build();
        IReadOnlyList<Verdict> verdicts = [];
        var took = ProcessorTime.Of(() => verdicts = Judged.Verdicts(built));
        Assert.True(took < Soon, $"{took}");
        Assert.All(verdicts, verdict => Assert.All(verdict.Evidence, text => Assert.True(text.Length <= 1024)));
        return [.. verdicts.Select(verdict => $"{verdict.Failure}@{verdict.SpanId.Value}")];
    }
}
