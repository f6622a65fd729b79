using System.Globalization;
using System.Text.Json;
using OtlpTap.Detectors.Grounding;

namespace OtlpTap.Tests.Detectors;

/// <summary>
/// The check against stories of many domains. Every third story is held out: the check was not tuned by looking at it. Its figures are the
/// honest ones, the others only hold what was reached.
/// </summary>
public sealed class GroundingStoriesTests(ITestOutputHelper output)
{
    private static readonly GroundingCheck Check = new(new GroundingOptions());

    [Theory]
    [InlineData(false, 0.95, 0.95)]
    [InlineData(true, 0.85, 0.88)]
    public void Hallucinated_answers_are_told_from_supported_ones(bool heldOut, double recall, double precision)
    {
        var (found, missed, wrong) = (0, 0, 0);
        foreach (var (story, index) in Stories().Select((story, index) => (story, index)).Where(pair => pair.index % 3 == 2 == heldOut))
        {
            _ = index;
            var hallucinated = story.GetProperty("label").GetString() == "hallucinated";
            var judged = Check.Assess(story.GetProperty("answer").GetString()!, Inputs(story)).Score >= 0.5;
            found += hallucinated && judged ? 1 : 0;
            missed += hallucinated && !judged ? 1 : 0;
            wrong += !hallucinated && judged ? 1 : 0;
        }

        var (reachedRecall, reachedPrecision) = ((double)found / (found + missed), (double)found / (found + wrong));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(heldOut ? "held out" : "tuned on")}: recall {reachedRecall:F3}, precision {reachedPrecision:F3} ({found} found, {missed} missed, {wrong} wrong)"));
        Assert.True(reachedRecall >= recall, $"recall {reachedRecall:F3}");
        Assert.True(reachedPrecision >= precision, $"precision {reachedPrecision:F3}");
    }

    [Fact]
    public void An_answer_is_not_judged_where_nothing_was_looked_up_or_the_result_was_not_recorded()
    {
        Assert.False(Check.Assess("The wall fell on 9 November 1989.", [new(GroundingSource.User, "When did the wall fall?")]).Judged);
        Assert.False(Check.Assess("It is 35 degrees.", [new(GroundingSource.User, "Weather?"), new(GroundingSource.UnrecordedTool, "")]).Judged);
    }

    [Fact]
    public void The_pieces_that_are_unsupported_are_the_evidence()
    {
        var found = Check.Assess("Your refund is $84.90, reference RF-55102.", [new(GroundingSource.ToolResult, """{"refund":79.90}""")]);
        Assert.Contains(found.Ungrounded, claim => claim.Text.Contains("84.90", StringComparison.Ordinal));
        Assert.Contains(found.Ungrounded, claim => claim.Text == "RF-55102");
        Assert.NotEmpty(found.Explanation);
    }

    [Fact]
    public void What_a_tool_says_and_the_answer_denies_is_a_contradiction()
    {
        var found = Check.Assess("The room is available.", [new(GroundingSource.ToolResult, """{"available":false}""")]);
        Assert.Equal(ClaimKind.Contradiction, found.Ungrounded[0].Kind);
        Assert.True(found.Score > 0.7);
    }

    [Theory]
    [InlineData("answer")]
    [InlineData("numbers")]
    [InlineData("nested")]
    [InlineData("quotes")]
    [InlineData("long word")]
    [InlineData("digits")]
    public void Ten_megabytes_of_anything_take_bounded_time(string what)
    {
        const int size = 10_000_000;
        var text = what switch
        {
            "answer" => string.Concat(Enumerable.Repeat("On March 14 Anna Meyer paid $12.50 for A-77. ", size / 45)),
            "numbers" => "[" + string.Join(',', Enumerable.Range(0, size / 8)) + "]",
            "nested" => new string('[', size / 2) + new string(']', size / 2),
            "quotes" => "{\"a\":" + new string('"', size),
            "long word" => new string('a', size),
            _ => string.Concat(Enumerable.Repeat("12 34 ", size / 6)),
        };
        var took = ProcessorTime.Of(() =>
        {
            var found = what == "answer"
                ? Check.Assess(text, [new(GroundingSource.ToolResult, "{\"paid\":12.5}")])
                : Check.Assess("It costs $77,777.77 at Blue Harbor Inn on 3 May, see A-1234.", [new(GroundingSource.ToolResult, text)]);
            Assert.InRange(found.Score, 0, 1);
        });

        // One or two of the processor; more where its caches serve others as well.
        Assert.True(took < TimeSpan.FromSeconds(30), $"{took}");
    }

    private static List<JsonElement> Stories()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Detectors", "grounding-stories.json")));
        return [.. document.RootElement.Clone().EnumerateArray()];
    }

    private static List<GroundingInput> Inputs(JsonElement story)
    {
        var inputs = new List<GroundingInput>();
        if (story.TryGetProperty("sys", out var system))
        {
            inputs.Add(new(GroundingSource.Instructions, system.GetString()!));
        }

        var user = story.GetProperty("user");
        var turns = user.ValueKind == JsonValueKind.String ? [user.GetString()!] : user.EnumerateArray().Select(turn => turn.GetString()!).ToArray();
        inputs.AddRange(turns.Select((turn, index) => new GroundingInput(index % 2 == 0 ? GroundingSource.User : GroundingSource.Assistant, turn)));
        if (story.TryGetProperty("tools", out var tools))
        {
            foreach (var tool in tools.EnumerateArray())
            {
                inputs.Add(new(GroundingSource.Arguments, tool.GetProperty("args").GetRawText()));
                if (tool.TryGetProperty("error", out var error))
                {
                    inputs.Add(new(GroundingSource.FailedTool, error.GetString()!));
                    continue;
                }

                var result = tool.GetProperty("result");
                var failed = result.ValueKind == JsonValueKind.Object && result.TryGetProperty("error", out _);
                inputs.Add(new(failed ? GroundingSource.FailedTool : GroundingSource.ToolResult, result.ValueKind == JsonValueKind.String ? result.GetString()! : result.GetRawText()));
            }
        }

        if (story.TryGetProperty("docs", out var documents))
        {
            inputs.AddRange(documents.EnumerateArray().Select(document => new GroundingInput(GroundingSource.Document, document.GetString()!)));
        }

        return inputs;
    }
}
