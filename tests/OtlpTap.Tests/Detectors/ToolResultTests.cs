using OtlpTap.Detectors;
using OtlpTap.Runs;

namespace OtlpTap.Tests.Detectors;

public sealed class ToolResultTests
{
    [Theory]
    [InlineData("""{"isError":true,"content":[{"type":"text","text":"no route"}]}""")]
    [InlineData("""{"is_error": true}""")]
    [InlineData("""{"error":"upstream timed out"}""")]
    [InlineData("""{"error":{"code":"E42","message":"gone"}}""")]
    [InlineData("""{"rooms":[],"error":"upstream timed out"}""")]
    [InlineData("""{"success":false,"reason":"sold out system"}""")]
    [InlineData("""{"ok":false}""")]
    [InlineData("""{"status":"error","message":"gone"}""")]
    [InlineData("""{"statusCode":503,"message":"unavailable"}""")]
    [InlineData("""[{"json":{"isError":true}}]""")]
    [InlineData("""[{"type":"text","text":"{\"isError\":true}"}]""")]
    [InlineData("""{"lc":1,"type":"constructor","id":["ToolMessage"],"kwargs":{"status":"error","content":"gone","tool_call_id":"1"}}""")]
    [InlineData("""{"type":"error-text","value":"gone"}""")]
    [InlineData("\"Error: gone\"")]
    [InlineData("Error: gone")]
    [InlineData("  RuntimeError: gone")]
    [InlineData("java.io.IOException: gone")]
    [InlineData("Traceback (most recent call last):\n  File")]
    [InlineData("Error executing tool look: gone")]
    [InlineData("[ERROR] gone")]
    [InlineData("An error occurred invoking 'look'.")]
    [InlineData("Failed to connect to host")]
    public void Says_that_the_tool_failed(string result) => Assert.Equal(ResultKind.Failed, ResultText.Read(result));

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"error":null}""")]
    [InlineData("""{"error":""}""")]
    [InlineData("""{"error":false}""")]
    [InlineData("""{"error":0}""")]
    [InlineData("""{"error":{}}""")]
    [InlineData("""{"error":"none"}""")]
    [InlineData("""{"errors":[]}""")]
    [InlineData("""{"isError":false,"content":[{"type":"text","text":"Error: is what the log says"}]}""")]
    [InlineData("""{"success":true,"error":"ignored by the caller"}""")]
    [InlineData("""{"error":0.05,"estimate":12.1}""")]
    [InlineData("""{"error_rate":0.5}""")]
    [InlineData("""{"title":"Error handling","text":"Exceptions are thrown when something fails."}""")]
    [InlineData("""[{"level":"error","error":"disk full"},{"level":"info"}]""")]
    [InlineData("""{"status":"open","ticket":"Error: cannot log in"}""")]
    [InlineData("Error handling in Go is explicit.")]
    [InlineData("Errors were made, and corrected.")]
    [InlineData("There were no errors.")]
    [InlineData("The exception proves the rule.")]
    [InlineData("No error found.")]
    [InlineData("The tool drawer is empty.")]
    public void Is_healthy(string result) => Assert.Equal(ResultKind.Healthy, ResultText.Read(result));

    [Fact]
    public void A_result_that_fails_is_said_of_the_tools_span_and_once() =>
        Assert.Equal(["tool_error@3"], Judged.Of(new RunBuilder().Calls("look", "{}").Executes("""{"isError":true}""").Answers("I do not know.")));

    [Fact]
    public void Without_a_span_of_the_tool_it_is_said_of_the_model_that_was_told_and_not_of_those_after_it() =>
        Assert.Equal(
            ["tool_error@3"],
            Judged.Of(new RunBuilder().Calls("look", """{"at":1}""").Told("Error: gone").Calls("look", """{"at":2}""").Told("a wall").Answers("A wall.")));

    [Fact]
    public void A_span_that_the_rules_have_named_is_not_named_again() =>
        Assert.Empty(Judged.Of(new RunBuilder().Calls("look", "{}").Executes("Error: gone", StepStatus.Error).Answers("I do not know."), Judged.Rule(3, "tool_error")));

    [Fact]
    public void A_failed_span_that_no_rule_knows_is_named() =>
        Assert.Equal(["tool_error@3"], Judged.Of(new RunBuilder().Calls("look", "{}").Executes(null, StepStatus.Error, message: "gone").Answers("I do not know.")));

    [Theory]
    [InlineData("System.Threading.Tasks.TaskCanceledException")]
    [InlineData("asyncio.CancelledError")]
    [InlineData("pydantic_ai.exceptions.ApprovalRequired")]
    [InlineData("GraphInterrupt")]
    public void Who_was_cancelled_or_waits_for_approval_has_not_failed(string errorType) =>
        Assert.Empty(Judged.Of(new RunBuilder().Calls("look", "{}").Executes(null, StepStatus.Error, errorType).Answers("I wait.")));

    [Fact]
    public void What_failed_in_an_earlier_turn_is_of_that_turns_trace()
    {
        var earlier = new RunBuilder().User("Look!").Calls("look", "{}").Told("Error: gone").User("And now?").Answers("Nothing.").Build();
        var run = new AgentRun(RunBuilder.Trace, [earlier.Steps[^1]]);

        Assert.Empty(Judged.Verdicts(run));
    }
}
