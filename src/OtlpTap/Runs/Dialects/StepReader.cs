using OtlpTap.Runs.Content;
using OtlpTap.Runs.Telemetry;

namespace OtlpTap.Runs.Dialects;

/// <summary>Makes a step of a span and of what its log records say.</summary>
internal sealed class StepReader(RunLimits limits)
{
    private static readonly string[] ToolListKeys =
    [
        "gen_ai.tool.definitions", "ai.prompt.tools", "mlflow.chat.tools", "gen_ai.request.tools", "model_request_parameters", "llm.invocation_parameters", "gen_ai.agent.tools", "langfuse.observation.model.parameters",
    ];

    public RunStep Read(SpanRecord span, StepKind kind, string? agent, IReadOnlyList<EventRecord> logs)
    {
        var attributes = span.Attributes;
        var sources = new StepSources(span, logs, limits);
        var isTool = kind == StepKind.Tool;
        var isPlain = kind is StepKind.Tool or StepKind.Retrieval;
        var input = sources.Input();
        var output = sources.Output();
        if (kind == StepKind.Agent && (input is null || output is null) && sources.Conversation() is { } conversation)
        {
            (var asked, output) = Split(conversation);
            input ??= asked;
        }

        var messagesIn = Messages(input, isPlain, MessageRole.User);
        var messagesOut = Messages(output, isPlain || (output is { IsShaped: false } && kind != StepKind.Llm), MessageRole.Assistant);
        var tool = isTool ? new ToolValues(attributes, limits) : null;
        var arguments = tool?.Arguments() ?? (isTool ? ArgumentsOf(messagesIn, input) : kind == StepKind.Retrieval ? Query(attributes, input) : null);
        var result = isTool ? tool!.Result() ?? ResultOf(messagesOut, output) : messagesOut.Count == 0 ? Plain(output) : null;
        return new RunStep
        {
            TraceId = span.TraceId,
            SpanId = span.SpanId,
            ParentId = span.ParentId,
            Name = span.Name,
            Kind = kind,
            StartUnixNano = span.StartUnixNano,
            EndUnixNano = span.EndUnixNano,
            Status = Failures.Status(span),
            StatusMessage = Failures.StatusMessage(span),
            ErrorType = attributes.Text("error.type") ?? "",
            Service = span.Origin.Service,
            ServiceVersion = span.Origin.ServiceVersion,
            Scope = span.Origin.Scope,
            Agent = agent,
            Tool = isTool ? tool!.Name ?? StepNames.Tool(span) : null,
            CallId = isTool ? StepNames.CallId(attributes) ?? tool!.CallId ?? IdOf(messagesIn) : null,
            Model = StepNames.Model(attributes),
            Provider = StepNames.Provider(attributes),
            ResponseId = StepNames.ResponseId(attributes),
            Session = StepNames.Session(attributes),
            User = StepNames.User(attributes),
            FinishReason = StepNames.FinishReason(attributes) ?? Finish(output, kind),
            Input = messagesIn,
            Output = messagesOut,
            SystemPrompt = SystemPrompt(attributes, sources, input, kind),
            OfferedTools = kind is StepKind.Tool or StepKind.Retrieval or StepKind.Other && !attributes.Has("gen_ai.tool.definitions") ? null : Tools(attributes, sources, input),
            Arguments = arguments,
            Result = result,
            ResultIsError = tool?.ResultIsError == true || (isTool && ToolFailed(messagesOut)),
            Documents = kind == StepKind.Retrieval ? Documents.Read(attributes, sources.Flattened, limits) : [],
            Exceptions = Failures.Exceptions(span, logs),
            InputTokens = StepNames.InputTokens(attributes),
            OutputTokens = StepNames.OutputTokens(attributes),
            Links = span.Links,
        };
    }

    /// <summary>The messages of a place. A tool's or a retriever's plain texts are arguments and results, no messages.</summary>
    private static List<Message> Messages(StepContent? content, bool withoutPlain, MessageRole role)
    {
        if (content is null || (withoutPlain && !content.IsShaped))
        {
            return [];
        }

        return content.Messages.Count == 0 && content.Structure is { } structure
            ? [new Message(role, [new MessagePart(PartKind.Text, structure)])]
            : content.Messages;
    }

    private static string? Plain(StepContent? content) =>
        content?.Structure ?? (content is { IsShaped: false, Messages: [var only, ..] } && only.Text is { Length: > 0 } text ? text : null);

    private static (StepContent Asked, StepContent Answered) Split(StepContent conversation)
    {
        var asked = new StepContent { IsShaped = true, SystemPrompt = conversation.SystemPrompt };
        var answered = new StepContent { IsShaped = true };
        var isAnswered = conversation.Messages.Count > 1 && conversation.Messages[^1].Role == MessageRole.Assistant;
        asked.Messages.AddRange(isAnswered ? conversation.Messages[..^1] : conversation.Messages);
        if (isAnswered)
        {
            answered.Messages.Add(conversation.Messages[^1]);
        }

        return (asked, answered);
    }

    private static string? SystemPrompt(AttributeSet attributes, StepSources sources, StepContent? input, StepKind kind)
    {
        foreach (var key in (ReadOnlySpan<string>)["gen_ai.system_instructions", "system_prompt", "gen_ai.agent.instructions", "gen_ai.prompt.system", "llm.system_prompt", "agent.instructions"])
        {
            if (attributes.Text(key) is { } text)
            {
                var json = attributes.Json(key);
                return json.IsGiven ? ContentReader.SystemText(json) : text;
            }
        }

        if (input?.SystemPrompt is { } prompt)
        {
            return prompt;
        }

        return kind == StepKind.Llm && input is not null && !input.Messages.Exists(message => message.Role == MessageRole.System && message.Parts.Count > 0)
            ? sources.SystemPromptElsewhere()
            : null;
    }

    private List<OfferedTool>? Tools(AttributeSet attributes, StepSources sources, StepContent? input)
    {
        if (sources.Flattened.Tools() is { } flattened)
        {
            return flattened;
        }

        foreach (var key in ToolListKeys)
        {
            if (attributes.Json(key) is not { IsGiven: true } json)
            {
                continue;
            }

            // Parameters of a call hold the tools among others; definitions may be a map by name.
            var list = json.IsObject ? json.First("tools", "function_tools", "functions") : json;
            list = list.IsGiven || key.Contains("param", StringComparison.Ordinal) ? list : json;
            if (ToolShapes.Read(list, limits) is { } tools)
            {
                return tools;
            }
        }

        return input?.Tools;
    }

    private static string? Finish(StepContent? output, StepKind kind) =>
        output is null || kind is StepKind.Tool or StepKind.Retrieval or StepKind.Other ? null : output.FinishReason ?? output.Messages.FindLast(message => message.FinishReason is not null)?.FinishReason;

    private static string? Query(AttributeSet attributes, StepContent? input) =>
        attributes.Text("gen_ai.retrieval.query.text") ?? input?.Structure ?? input?.Messages.Find(message => message.Text.Length > 0)?.Text;

    private static string? ArgumentsOf(List<Message> messages, StepContent? input)
    {
        foreach (var message in messages)
        {
            foreach (var part in message.Parts)
            {
                if (part.Kind == PartKind.ToolCall)
                {
                    return part.Arguments;
                }

                // Strands tells a tool's arguments as the content of its tool message.
                if (part.Kind == PartKind.ToolResult && part.Text.Length > 0)
                {
                    return part.Text;
                }
            }
        }

        return input?.Structure ?? Plain(input);
    }

    private static string? ResultOf(List<Message> messages, StepContent? output)
    {
        foreach (var message in messages)
        {
            foreach (var part in message.Parts)
            {
                if (part.Kind is PartKind.ToolResult or PartKind.Text)
                {
                    return part.Text;
                }
            }
        }

        return Plain(output);
    }

    private static bool ToolFailed(List<Message> messages) => messages.Exists(message => message.Parts.Any(part => part.IsError));

    private static string? IdOf(List<Message> messages)
    {
        foreach (var message in messages)
        {
            foreach (var part in message.Parts)
            {
                if (part is { Kind: PartKind.ToolCall or PartKind.ToolResult, CallId: { } id })
                {
                    return id;
                }
            }
        }

        return null;
    }
}
