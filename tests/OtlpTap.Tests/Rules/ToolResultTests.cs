using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Rules.Packs;
using OtlpTap.Scan;

namespace OtlpTap.Tests.Rules;

/// <summary>Which results of tools say of themselves that the call failed.</summary>
public sealed class ToolResultTests
{
    private static readonly CompiledRules Pack = Compile();

    [Theory]
    [InlineData("""{"isError":true,"message":"no such order"}""")]
    [InlineData("""{"content":[{"type":"text","text":"timed out, {sorry}"}],"isError":true}""")]
    [InlineData("""{"content": [], "is_error": true}""")]
    [InlineData("""  { "is_error" : true , "more": {"a": [1]} }""")]
    [InlineData("{\n  \"content\": [],\n  \"isError\": true\n}")]
    [InlineData("""{"error":true}""")]
    [InlineData("""[{"json":{"isError":true}}]""")]
    public void A_result_that_says_first_or_last_that_it_is_an_error_is_a_tool_error(string result)
    {
        Assert.Equal("genai_tool_error_result", Assert.Single(RulesOn(Tool(result))));
    }

    [Theory]
    [InlineData("""{"isError":false,"message":"fine"}""")]
    [InlineData("""{"isError":"true"}""")]
    [InlineData("""{"isError":truely}""")]
    [InlineData("""{"checks":{"isError":true},"summary":"one line of the log is an error"}""")]
    [InlineData("""{"checks":[{"isError":true}]}""")]
    [InlineData("""{"text":"{\"isError\":true}"}""")]
    [InlineData("""{"text":"\"isError\":true}"}""")]
    [InlineData("""{"error":"NullReferenceException","count":12}""")]
    [InlineData("""{"error":null}""")]
    [InlineData("""[{"isError":true}]""")]
    [InlineData("""The word "isError":true stands in a text""")]
    [InlineData("")]
    [InlineData("""Quoted: "isError":true}""")]
    [InlineData("null")]
    public void Any_other_result_is_none(string result)
    {
        Assert.Empty(RulesOn(Tool(result)));
    }

    [Theory]
    [InlineData("""{"error":true,"message":"Tool input validation failed for lookup"}""")]
    [InlineData("""{"content":[{"type":"text","text":"MCP error -32602: Invalid arguments for tool lookup"}],"isError":true}""")]
    [InlineData("""{"content":[{"type":"text","text":"Unknown tool: lokup"}],"isError":true}""")]
    public void A_refusal_of_what_the_model_wrote_is_not_the_tools_error(string result)
    {
        Assert.DoesNotContain("genai_tool_error_result", RulesOn(Tool(result)));
    }

    [Fact]
    public void Only_the_callers_span_of_a_tool_counts_and_one_that_failed_by_its_status_is_found_once()
    {
        const string Result = """{"isError":true}""";

        Assert.Empty(RulesOn(new TraceBuilder().Span("chat", ("gen_ai.operation.name", "chat"), ("gen_ai.tool.call.result", Result))));
        Assert.Equal(["genai_tool_error"], RulesOn(Tool(Result).Failed("broken")));
    }

    private static TraceBuilder Tool(string result) =>
        new TraceBuilder().Span("execute_tool lookup", ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.call.result", result));

    private static List<string> RulesOn(TraceBuilder trace)
    {
        var scan = new ScanResult();
        Assert.True(new RequestScanner(Pack).TryScan(Signal.Traces, trace.ToBytes(), scan, out _));
        var names = new List<string>();
        foreach (ref readonly var match in scan.Matches)
        {
            foreach (var rule in scan.RulesOf(in match))
            {
                names.Add(Pack[rule].Name);
            }
        }

        return names;
    }

    private static CompiledRules Compile()
    {
        var problems = new List<RuleProblem>();
        var compiled = CompiledRules.Compile(RulePacks.Load(["genai"], problems)!, problems);
        Assert.Empty(problems);
        return compiled!;
    }
}
