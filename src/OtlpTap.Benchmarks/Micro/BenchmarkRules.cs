using OtlpTap.Rules;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>The rules in force while the scan is measured.</summary>
internal static class BenchmarkRules
{
    public static CompiledRules Compile()
    {
        var problems = new List<RuleProblem>();
        return CompiledRules.Compile(
            [
                Span("tool_failed", "tool_error", "span.attributes[\"gen_ai.operation.name\"] == \"execute_tool\" and span.status.code == 2"),
                Span("model_failed", "llm_error", "span.attributes[\"gen_ai.operation.name\"] == \"chat\" and span.status.code == 2"),
                Span("agent_failed", "agent_error", "span.attributes[\"gen_ai.operation.name\"] == \"invoke_agent\" and span.status.code == 2"),
                Span("timed_out", "timeout", "span.attributes[\"error.type\"] == \"timeout\""),
            ],
            problems) ?? throw new InvalidOperationException(problems[0].ToString());
    }

    private static Rule Span(string name, string failure, string condition) => new(name, failure, RuleContext.Span, condition);
}
