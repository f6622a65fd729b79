using OtlpTap.Otlp;
using OtlpTap.Runs.Calls;

namespace OtlpTap.Runs;

/// <summary>What a run was about, told from its steps: what was asked, under which instructions, and what was answered.</summary>
internal sealed class RunStory
{
    /// <summary>How far up ancestors are looked at: agents nest a handful of levels, and a broken sender's ring of parents has no end.</summary>
    private const int DepthMax = 64;

    private readonly Dictionary<SpanId, RunStep> _steps;

    /// <summary>Steps that took part in the run: without evaluators, guardrails and what happened inside them or inside a tool.</summary>
    private readonly List<RunStep> _speakers = [];

    private RunStory(IReadOnlyList<RunStep> steps)
    {
        _steps = steps.ToDictionary(step => step.SpanId);
        var aside = new HashSet<SpanId>();
        foreach (var step in steps)
        {
            if (IsAside(step, aside))
            {
                continue;
            }

            _speakers.Add(step);
        }
    }

    public static AgentRun Tell(in TraceId traceId, IReadOnlyList<RunStep> steps, RunLimits limits, bool isCut)
    {
        var story = new RunStory(steps);
        var (answer, answering) = story.Answer();
        return new AgentRun(traceId, steps)
        {
            UserInput = story.UserInput(),
            SystemPrompt = story.SystemPrompt(),
            FinalAnswer = answer,
            AnsweringStep = answering,
            Session = steps.FirstOrDefault(step => step.Session is not null)?.Session,
            User = steps.FirstOrDefault(step => step.User is not null)?.User,
            HasContent = steps.Any(HasContent),
            ToolCalls = ToolCallPairing.Pair(story._speakers, limits),
            IsCut = isCut,
        };
    }

    private static bool HasContent(RunStep step) =>
        step.Arguments is not null || step.Result is not null || step.Documents.Count > 0
        || step.Input.Any(message => message.Parts.Count > 0) || step.Output.Any(message => message.Parts.Count > 0);

    private bool IsAside(RunStep step, HashSet<SpanId> aside)
    {
        var current = step;
        for (var depth = 0; depth < DepthMax; depth++)
        {
            if (current.Kind is StepKind.Evaluator or StepKind.Guardrail || (depth > 0 && aside.Contains(current.SpanId)))
            {
                aside.Add(step.SpanId);
                return true;
            }

            if (current.ParentId.IsZero || !_steps.TryGetValue(current.ParentId, out var parent))
            {
                return false;
            }

            current = parent;
        }

        return false;
    }

    /// <summary>The outermost input that is plainly something said; else the first model's; else the outermost structure.</summary>
    private string? UserInput()
    {
        string? structured = null;
        foreach (var step in _speakers)
        {
            if (step.Kind is StepKind.Agent or StepKind.Workflow or StepKind.Step && Asked(step) is { } asked)
            {
                if (!IsStructure(asked))
                {
                    return asked;
                }

                structured ??= asked;
            }
        }

        foreach (var step in _speakers)
        {
            if (step.Kind == StepKind.Llm && Asked(step) is { } asked)
            {
                return asked;
            }
        }

        return structured;
    }

    private static string? Asked(RunStep step)
    {
        for (var i = step.Input.Count - 1; i >= 0; i--)
        {
            if (step.Input[i] is { Role: MessageRole.User } message && message.Text is { Length: > 0 } text)
            {
                return text;
            }
        }

        return null;
    }

    private static bool IsStructure(string text) => text.AsSpan().TrimStart() is ['{' or '[', ..];

    private string? SystemPrompt() =>
        SystemPromptOf(StepKind.Llm) ?? SystemPromptOf(StepKind.Agent) ?? SystemPromptOf(StepKind.Step) ?? SystemPromptOf(StepKind.Workflow);

    private string? SystemPromptOf(StepKind kind)
    {
        foreach (var step in _speakers)
        {
            if (step.Kind == kind)
            {
                var prompt = step.SystemPrompt ?? step.Input.FirstOrDefault(message => message.Role == MessageRole.System && message.Text.Length > 0)?.Text;
                if (prompt is not null)
                {
                    return prompt;
                }
            }
        }

        return null;
    }

    private (string? Answer, RunStep? Step) Answer()
    {
        var models = _speakers.Where(step => step.Kind == StepKind.Llm && !IsWithinTool(step)).OrderBy(step => step.EndUnixNano).ToList();
        var last = models.LastOrDefault();
        var said = last is null ? null : Said(last, isModel: true);

        // What the outermost agent gives back is the run's answer, be it not the last that a model said (a title, a memory).
        foreach (var step in _speakers)
        {
            if (step.Kind is StepKind.Agent or StepKind.Workflow && Said(step, isModel: false) is { } given && !IsStructure(given))
            {
                var trimmed = given.Trim();
                var saying = models.FindLast(model => Said(model, isModel: false) is { } text && text.Trim() == trimmed);
                saying ??= said is not null && (trimmed.Contains(said, StringComparison.Ordinal) || said.Contains(trimmed, StringComparison.Ordinal)) ? last : null;
                if (saying is not null)
                {
                    return (given, saying);
                }

                if (said is null && models.Count > 0 && models.Exists(model => model.Output.Count > 0))
                {
                    // The models' words are recorded, and the last of them was a call: this is no answer of theirs.
                    return last!.Output.Count > 0 ? (null, null) : (given, last);
                }

                return (given, last);
            }
        }

        return said is null ? (null, null) : (said, last);
    }

    private bool IsWithinTool(RunStep step)
    {
        var current = step;
        for (var depth = 0; depth < DepthMax && !current.ParentId.IsZero && _steps.TryGetValue(current.ParentId, out var parent); depth++)
        {
            if (parent.Kind == StepKind.Tool)
            {
                return true;
            }

            current = parent;
        }

        return false;
    }

    /// <summary>The last word of a step. Of a model's call that ends in calls of tools there is none.</summary>
    private static string? Said(RunStep step, bool isModel)
    {
        if (step.Output.Count == 0)
        {
            return step.Result is { Length: > 0 } result ? result : null;
        }

        for (var i = step.Output.Count - 1; i >= 0; i--)
        {
            var message = step.Output[i];
            if (message.Role == MessageRole.Tool)
            {
                return null;
            }

            if (message.Role is MessageRole.Assistant or MessageRole.Unknown)
            {
                var asks = message.Parts.Any(part => part.Kind == PartKind.ToolCall);
                if (asks && (isModel || message.Text.Length == 0))
                {
                    return null;
                }

                return message.Text is { Length: > 0 } text ? text : message.Parts.FirstOrDefault(part => part is { Kind: PartKind.Refusal, Text.Length: > 0 })?.Text;
            }
        }

        return null;
    }
}
