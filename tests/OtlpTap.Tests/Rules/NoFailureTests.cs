using OpenTelemetry.Proto.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Scan;
using OtlpTap.Tests.Causes;

namespace OtlpTap.Tests.Rules;

/// <summary>What looks like a failure and is none, in every dialect, each beside what is one.</summary>
public sealed class NoFailureTests
{
    /// <summary>Attributes by which the dialects name a tool's span and a model's, and where the message stands.</summary>
    private static readonly Dictionary<string, (string Scope, (string, object?)[] Tool, (string, object?)[] Model)> Dialects = new()
    {
        ["genai"] = ("any", [("gen_ai.operation.name", "execute_tool")], [("gen_ai.operation.name", "chat")]),
        ["mcp"] = ("any", [("mcp.method.name", "tools/call")], []),
        ["traceloop"] = ("any", [("traceloop.span.kind", "tool")], [("llm.request.type", "chat")]),
        ["openinference"] = ("any", [("openinference.span.kind", "TOOL")], [("openinference.span.kind", "LLM")]),
        ["vercel_ai"] = ("ai", [("ai.operationId", "ai.toolCall")], [("ai.operationId", "ai.generateText.doGenerate")]),
        ["genkit"] = ("genkit-tracer", [("genkit:type", "action"), ("genkit:metadata:subtype", "tool"), ("genkit:isFailureSource", true)], [("genkit:type", "action"), ("genkit:metadata:subtype", "model"), ("genkit:isFailureSource", true)]),
        ["mastra"] = ("any", [("mastra.span.type", "tool_call")], [("mastra.span.type", "model_generation")]),
        ["mlflow"] = ("any", [("mlflow.spanType", "\"TOOL\"")], [("mlflow.spanType", "\"LLM\"")]),
        ["pydantic_ai"] = ("pydantic-ai", [("gen_ai.tool.name", "search")], []),
        ["langfuse"] = ("any", [("langfuse.observation.type", "tool")], [("langfuse.observation.type", "generation")]),
    };

    public static TheoryData<string, string, bool> Messages()
    {
        var data = new TheoryData<string, string, bool>();
        foreach (var dialect in Dialects.Keys)
        {
            foreach (var cancelled in (string[])["AbortError: This operation was aborted", "The operation was canceled.", "A task was canceled.", "CancelledError: ", "TaskCanceledException", "rpc error: context canceled", "1 CANCELLED: Call cancelled", "cancelled by the user", "GraphInterrupt: [{\"value\": \"approve?\"}]"])
            {
                data.Add(dialect, cancelled, false);
            }

            foreach (var failed in (string[])["backend unreachable", "The request was canceled due to the configured HttpClient.Timeout of 100 seconds elapsing.", "order 17 is cancelled already", "flight AF12 has been canceled"])
            {
                data.Add(dialect, failed, true);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_call_that_was_cancelled_is_no_failure_and_one_that_speaks_of_cancelling_is(string dialect, string message, bool isFailure)
    {
        var (scope, tool, model) = Dialects[dialect];

        Assert.Equal(isFailure ? ["tool_error"] : [], Failures(scope, tool, message, dialect == "langfuse"));
        if (model.Length > 0)
        {
            Assert.Equal(isFailure ? ["llm_error"] : [], Failures(scope, model, message, dialect == "langfuse"));
        }
    }

    [Theory]
    [InlineData("System.OperationCanceledException", false)]
    [InlineData("System.Threading.Tasks.TaskCanceledException", false)]
    [InlineData("asyncio.exceptions.CancelledError", false)]
    [InlineData("AbortError", false)]
    [InlineData("context.canceled", false)]
    [InlineData("CANCELLED", false)]
    [InlineData("499", false)]
    [InlineData("GraphInterrupt", false)]
    [InlineData("System.TimeoutException", true)]
    [InlineData("OrderCancelledAlready", true)]
    [InlineData("500", true)]
    public void The_type_of_a_cancellation_is_no_failure_either(string type, bool isFailure)
    {
        Assert.Equal(isFailure ? ["tool_error"] : [], Failures("any", [("gen_ai.operation.name", "execute_tool"), ("error.type", type)], ""));
        Assert.Equal(isFailure ? ["llm_error"] : [], Failures("any", [("gen_ai.operation.name", "chat"), ("error.type", type)], ""));
    }

    [Fact]
    public void A_type_that_says_something_else_counts_more_than_a_message_about_cancelling() =>
        Assert.Equal(["tool_error"], Failures("any", [("gen_ai.operation.name", "execute_tool"), ("error.type", "BookingError")], "the operation was cancelled"));

    [Theory]
    [InlineData("exception.type", "AbortError", false)]
    [InlineData("exception.message", "This operation was aborted", false)]
    [InlineData("exception.message", "backend unreachable", true)]
    [InlineData("exception.type", "GraphInterrupt", false)]
    public void An_exception_event_of_a_cancellation_is_no_failure(string key, string value, bool isFailure)
    {
        foreach (var (operation, failure) in (ReadOnlySpan<(string, string)>)[("execute_tool", "tool_error"), ("chat", "llm_error")])
        {
            var request = new TraceBuilder().Span("call", ("gen_ai.operation.name", operation)).Event("exception", (key, value));

            Assert.Equal(isFailure ? [failure] : [], Failures(request));
        }
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(2, true)]
    public void A_tool_of_Claudes_API_with_its_status_unset_was_cancelled_by_the_application(int status, bool isFailure)
    {
        var request = new TraceBuilder().Span("anthropic.tool_use search", ("gen_ai.operation.name", "execute_tool"), ("error.type", "tool_use_incomplete"));
        request.LastSpan.Status = new Status { Code = (Status.Types.StatusCode)status };

        Assert.Equal(isFailure ? ["tool_error"] : [], Failures(request));
    }

    [Theory]
    [InlineData("pydantic_ai.tool.deferral.name", "")]
    [InlineData("other", "tool_error")]
    public void A_call_that_waits_for_approval_is_no_failure(string key, string expected)
    {
        (string, object?)[] attributes = [(key, "approval_required"), ("gen_ai.tool.name", "pay")];

        Assert.Equal(expected.Length > 0 ? [expected] : [], Failures("pydantic-ai", [.. attributes, ("gen_ai.operation.name", "execute_tool")], "waits"));
        Assert.Equal(expected.Length > 0 ? [expected] : [], Failures("pydantic-ai", attributes, "waits"));
        Assert.Equal(expected.Length > 0 ? ["planning_error"] : [], Failures("pydantic-ai", [.. attributes, ("gen_ai.operation.name", "execute_tool")], "unknown tool: 'pay'"));
    }

    [Theory]
    [InlineData("openinference.span.kind", "EVALUATOR")]
    [InlineData("mlflow.spanType", "\"EVALUATOR\"")]
    [InlineData("langfuse.observation.type", "evaluator")]
    [InlineData("gen_ai.operation.name", "evaluate")]
    public void An_evaluator_that_fails_is_no_failure_of_what_it_evaluates(string key, string value) =>
        Assert.Empty(Failures("any", [(key, value), ("langfuse.observation.level", "ERROR"), ("error.type", "timeout")], "the judge did not answer"));

    [Theory]
    [InlineData("timeout", false)]
    [InlineData(null, true)]
    public void An_evaluation_that_could_not_be_made_says_nothing_of_the_answer(string? error, bool isFailure)
    {
        var request = new TraceBuilder().Span("chat", ("gen_ai.operation.name", "chat")).Event(
            "gen_ai.evaluation.result",
            [("gen_ai.evaluation.name", "hallucination"), ("gen_ai.evaluation.score.label", "hallucinated"), .. error is null ? Array.Empty<(string, object?)>() : [("error.type", error)]]);

        Assert.Equal(isFailure ? ["hallucination"] : [], Failures(request));
    }

    private static List<string> Failures(string scope, (string, object?)[] attributes, string message, bool isLevel = false)
    {
        var request = new TraceBuilder().Scope(scope).Span("call", isLevel ? [.. attributes, ("langfuse.observation.level", "ERROR"), ("langfuse.observation.status_message", message)] : attributes);
        return Failures(isLevel ? request : request.Failed(message));
    }

    private static List<string> Failures(TraceBuilder request)
    {
        var scan = new ScanResult();
        Assert.True(new RequestScanner(Marked.Packs.Value).TryScan(Signal.Traces, request.ToBytes(), scan, out _));
        return [.. scan.RuleIndexes.ToArray().Select(rule => Marked.Packs.Value[rule].Failure).Distinct()];
    }
}
