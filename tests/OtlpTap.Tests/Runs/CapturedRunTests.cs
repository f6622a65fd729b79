using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Tests.Runs;

public sealed class CapturedRunTests
{
    public static TheoryData<string> Scenarios => [.. CapturedRun.Scenarios];

    /// <summary>Where the payload does not hold what was said.</summary>
    private static readonly Dictionary<string, Lost> NotRecorded = new()
    {
        // The model's span is never ended when the provider refuses, and the agent's span knows the question alone.
        ["openinference-openai/context-length-400"] = Lost.SystemPrompt,
        ["openinference-openai/provider-error-429"] = Lost.SystemPrompt,

        // Embeddings are recorded without what was embedded.
        ["otel-js-openai/embeddings"] = Lost.Both,
    };

    private enum Lost
    {
        SystemPrompt,
        Both,
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void The_user_and_the_system_are_heard_where_content_was_recorded(string scenario)
    {
        var captured = CapturedRun.Read(scenario);
        if (NotRecorded.TryGetValue(scenario, out var lost))
        {
            Assert.All(captured.Runs, run => Assert.Null(lost == Lost.Both ? run.UserInput ?? run.SystemPrompt : run.SystemPrompt));
            return;
        }

        var asked = captured.Texts("user_input").ToList();
        var heard = captured.Runs.Select(run => run.UserInput).Where(text => text is not null).Distinct().ToList();
        Assert.Equal(asked, heard!);
        var instructed = captured.Texts("system_prompt").ToList();
        Assert.Equal(instructed, captured.Runs.Select(run => run.SystemPrompt).Where(text => text is not null).Distinct()!);
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void Every_span_is_of_the_kind_that_it_is_known_to_be(string scenario)
    {
        var captured = CapturedRun.Read(scenario);
        var problems = new List<string>();
        foreach (var span in captured.Expected.GetProperty("spans").EnumerateArray())
        {
            Assert.True(SpanId.TryParse(span.GetProperty("span_id").GetString(), out var id));
            var step = captured.Steps.Single(step => step.SpanId == id);
            if (step.Kind != KindOf(span.GetProperty("role").GetString(), step.Name, !step.ParentId.IsZero))
            {
                problems.Add($"{step.Name} is a {step.Kind}");
            }
        }

        Assert.Empty(problems);
    }

    private static StepKind KindOf(string? role, string name, bool isInner) => (role, name) switch
    {
        // Genkit calls it a flow: whether an agent runs in it, nothing says.
        ("agent", "weather_flow") => StepKind.Workflow,

        // Asks for the list of tools, and calls none.
        ("tool", "tools/list.mcp") => StepKind.Other,
        ("agent", _) => StepKind.Agent,
        ("llm", _) => StepKind.Llm,
        ("tool", _) => StepKind.Tool,
        ("step" or "orchestration" or "util", _) => StepKind.Step,
        ("workflow", _) => StepKind.Workflow,

        // A chain inside of another is a step of it.
        ("chain", _) => isInner ? StepKind.Step : StepKind.Workflow,
        ("retrieval", _) => StepKind.Retrieval,
        ("embedding", _) => StepKind.Embedding,
        ("evaluator", _) => StepKind.Evaluator,
        _ => StepKind.Other,
    };
}
