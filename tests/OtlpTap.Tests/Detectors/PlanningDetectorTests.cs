using OtlpTap.Runs;

namespace OtlpTap.Tests.Detectors;

/// <summary>What a model asks for and cannot have: on its own call. The agent's span is 1, the first call of the model 2.</summary>
public sealed class PlanningDetectorTests
{
    private const string Book = """{"type":"object","properties":{"room":{"type":"integer"},"guest":{"type":"string"}},"required":["room"]}""";

    [Fact]
    public void A_call_of_a_tool_that_was_not_offered_is_a_planning_error_of_the_model() =>
        Assert.Equal(["planning_error@2"], Judged.Of(new RunBuilder().Offers(("book", Book)).Calls("bok", """{"room":1}""")));

    [Fact]
    public void A_call_of_an_offered_tool_is_none() =>
        Assert.Empty(Judged.Of(new RunBuilder().Offers(("book", Book)).Calls("book", """{"room":1}""").Executes("done").Answers("It is booked.")));

    [Theory]
    [InlineData("Hotel-book")]
    [InlineData("hotel.book")]
    [InlineData("mcp__hotel__book")]
    public void A_plugins_name_before_the_tools_makes_it_no_other_tool(string called) =>
        Assert.Empty(Judged.Of(new RunBuilder().Offers(("book", null)).Calls(called, """{"room":1}""").Executes("done").Answers("It is booked.")));

    [Fact]
    public void A_tool_that_is_not_in_the_list_and_works_was_there() =>
        Assert.Empty(Judged.Of(new RunBuilder().Offers(("book", Book)).Calls("late_tool", "{}").Executes("""{"rooms":3}""").Answers("There are three.")));

    [Theory]
    [InlineData("Error: unknown tool bok")]
    [InlineData("Tool 'bok' not found in registry")]
    [InlineData("Error: Requested function \"bok\" not found.")]
    [InlineData("bok is not a valid tool, try one of [book].")]
    [InlineData("""{"error":"No tool named bok"}""")]
    public void Where_the_offer_is_not_recorded_the_answer_tells(string told) =>
        Assert.Contains("planning_error@2", Judged.Of(new RunBuilder().Calls("bok", """{"room":1}""").Told(told, isError: true).Answers("Sorry about that.")));

    [Theory]
    [InlineData("""{"room": 1""")]
    [InlineData("""{room: 1}""")]
    [InlineData("\"{\\\"room\\\": 1\"")]
    public void Arguments_that_are_no_JSON_are_a_planning_error(string arguments) =>
        Assert.Equal(["planning_error@2"], Judged.Of(new RunBuilder().Offers(("book", Book)).Calls("book", arguments)));

    [Theory]
    [InlineData("""{"guest":"Ada"}""")]
    [InlineData("""{"room":"one"}""")]
    [InlineData("\"{\\\"room\\\":\\\"one\\\"}\"")]
    public void Arguments_that_the_schema_refuses_are_a_planning_error(string arguments) =>
        Assert.Equal(["planning_error@2"], Judged.Of(new RunBuilder().Offers(("book", Book)).Calls("book", arguments)));

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("null")]
    public void Arguments_that_are_not_recorded_are_not_judged(string? arguments) =>
        Assert.Empty(Judged.Of(new RunBuilder().Offers(("book", Book)).Calls("book", arguments)));

    [Fact]
    public void Arguments_cut_off_by_the_limit_of_tokens_are_truncated_and_nothing_else() =>
        Assert.Equal(["truncated@2"], Judged.Of(new RunBuilder().Offers(("book", Book)).Calls("book", """{"room": """, finish: "length")));

    [Theory]
    [InlineData("Error: argument room is required")]
    [InlineData("1 validation error for book\nroom\n  Field required")]
    [InlineData("TypeError: book() missing 1 required positional argument: 'room'")]
    [InlineData("Error: Expected ',' or '}' after property value in JSON at position 16")]
    public void Arguments_that_the_tool_refused_are_the_models_mistake_and_no_failure_of_the_tool(string told) =>
        Assert.Equal(["planning_error@2"], Judged.Of(new RunBuilder().Calls("book", """{"guest":"Ada"}""").Told(told).Answers("I could not book it.")));

    [Fact]
    public void What_a_rule_says_of_the_tools_span_is_said_of_the_model_that_called_it() =>
        Assert.Equal(
            ["planning_error@2"],
            Judged.Of(new RunBuilder().Calls("book", """{"guest":"Ada"}""").Executes(null, StepStatus.Error, "ArgumentException").Answers("No."), Judged.Rule(3, "planning_error")));

    [Fact]
    public void The_same_call_three_times_with_the_same_result_is_a_loop_of_the_agent()
    {
        var run = new RunBuilder();
        for (var i = 0; i < 3; i++)
        {
            run.Calls("look", i == 1 ? """{ "b": 2, "a": 1 }""" : """{"a":1,"b":2}""").Executes("""{"seen":[]}""");
        }

        Assert.Equal(["planning_error@1"], Judged.Of(run.Answers("There is nothing.")));
    }

    [Fact]
    public void A_poll_that_sees_something_else_in_the_end_is_no_loop()
    {
        var run = new RunBuilder();
        foreach (var state in new[] { "queued", "running", "running", "done" })
        {
            run.Calls("job_state", """{"job":7}""").Executes($$"""{"state":"{{state}}"}""");
        }

        Assert.Empty(Judged.Of(run.Answers("It is done.")));
    }

    [Fact]
    public void Twice_is_no_loop_and_other_arguments_are_none() =>
        Assert.Empty(Judged.Of(new RunBuilder()
            .Calls("look", """{"at":1}""").Executes("a").Calls("look", """{"at":2}""").Executes("a").Calls("look", """{"at":1}""").Executes("a").Answers("a")));

    [Fact]
    public void A_run_that_ends_on_a_call_after_others_had_been_answered_was_stopped() =>
        Assert.Equal(
            ["planning_error@1"],
            Judged.Of(new RunBuilder().Calls("look", """{"at":1}""").Executes("a").Calls("look", """{"at":2}""").Executes("b").Calls("look", """{"at":3}""").Executes("c")));

    [Fact]
    public void A_run_that_is_still_under_way_is_not_judged_by_its_end() =>
        Assert.Empty(Judged.Of(new RunBuilder().InProgress().Calls("look", """{"at":1}""").Executes("a").Calls("look", """{"at":2}""").Executes("b")));

    [Fact]
    public void A_call_that_nobody_in_the_run_carries_out_is_handed_over() =>
        Assert.Empty(Judged.Of(new RunBuilder().Calls("look", """{"at":1}""").Executes("a").Calls("ask_the_user", """{"question":"Which room?"}""")));

    [Fact]
    public void A_tool_for_the_final_output_is_the_answer() =>
        Assert.Empty(Judged.Of(new RunBuilder().Calls("look", """{"at":1}""").Executes("a").Calls("final_result", """{"room":7}""").Executes("Final result processed.")));

    [Fact]
    public void A_limit_that_a_rule_has_seen_is_not_said_again() =>
        Assert.Empty(Judged.Of(
            new RunBuilder().Calls("look", """{"at":1}""").Executes("a").Calls("look", """{"at":1}""").Executes("a").Calls("look", """{"at":1}""").Executes("a"),
            Judged.Rule(1, "planning_error")));
}
