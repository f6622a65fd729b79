using OtlpTap.Otlp;
using OtlpTap.Runs;

namespace OtlpTap.Tests.Detectors;

/// <summary>
/// Builds runs so that a test shows only what matters to it: an agent's span, and in it calls of a model and of tools, each after
/// the one before. The history that a model is shown builds up by itself.
/// </summary>
internal sealed class RunBuilder
{
    public static readonly TraceId Trace = new(1, 1);

    private readonly List<RunStep> _steps = [];
    private readonly List<Message> _history = [];
    private IReadOnlyList<OfferedTool>? _tools;
    private ulong _spans = 1;
    private ulong _clock = 1_000_000_000;
    private bool _hasAgent = true;
    private string? _lastAnswer;
    private RunStep? _answering;

    /// <summary>Id of the agent's span.</summary>
    public static SpanId Agent { get; } = new(1);

    public SpanId LastSpan => new(_spans);

    public RunBuilder User(string text) => Say(MessageRole.User, text);

    public RunBuilder System(string text) => Say(MessageRole.System, text);

    /// <summary>What every later call of the model is offered.</summary>
    public RunBuilder Offers(params (string Name, string? Schema)[] tools)
    {
        _tools = [.. tools.Select(tool => new OfferedTool(tool.Name, null, tool.Schema))];
        return this;
    }

    /// <summary>The agent's span is still under way.</summary>
    public RunBuilder InProgress()
    {
        _hasAgent = false;
        return this;
    }

    public RunBuilder Answers(string text, string? finish = "stop")
    {
        var step = Model([new MessagePart(PartKind.Text, text)], finish);
        (_lastAnswer, _answering) = (text, step);
        return this;
    }

    public RunBuilder AnswersWith(string? finish, params MessagePart[] parts)
    {
        Model(parts, finish);
        return this;
    }

    public RunBuilder Calls(string tool, string? arguments, string? id = null, string? finish = "tool_call")
    {
        Model([new MessagePart(PartKind.ToolCall, "") { ToolName = tool, Arguments = arguments, CallId = id ?? $"call-{_spans + 1}" }], finish);
        return this;
    }

    /// <summary>The span of the tool last called.</summary>
    public RunBuilder Executes(string? result, StepStatus status = StepStatus.Unset, string errorType = "", string message = "", params RaisedException[] exceptions)
    {
        var call = LastCall();
        Add(new RunStep
        {
            TraceId = Trace,
            SpanId = new SpanId(++_spans),
            ParentId = Agent,
            Name = $"execute_tool {call.ToolName}",
            Kind = StepKind.Tool,
            Tool = call.ToolName,
            CallId = call.CallId,
            Arguments = call.Arguments,
            Result = result,
            Status = status,
            ErrorType = errorType,
            StatusMessage = message,
            Exceptions = exceptions,
            StartUnixNano = _clock,
            EndUnixNano = _clock += 10,
        });
        return result is null ? this : Told(result);
    }

    /// <summary>The result of the call before, as the model will be shown it.</summary>
    public RunBuilder Told(string result, bool isError = false)
    {
        var call = LastCall();
        _history.Add(new Message(MessageRole.Tool, [new MessagePart(PartKind.ToolResult, result) { CallId = call.CallId, IsError = isError }]));
        return this;
    }

    public AgentRun Build()
    {
        var agent = new RunStep
        {
            TraceId = Trace,
            SpanId = Agent,
            Name = "invoke_agent",
            Kind = StepKind.Agent,
            StartUnixNano = 1,
            EndUnixNano = _clock + 1,
        };
        return new AgentRun(Trace, _hasAgent ? [agent, .. _steps] : _steps) { FinalAnswer = _lastAnswer, AnsweringStep = _answering };
    }

    private RunBuilder Say(MessageRole role, string text)
    {
        _history.Add(new Message(role, [new MessagePart(PartKind.Text, text)]));
        return this;
    }

    private RunStep Model(IReadOnlyList<MessagePart> parts, string? finish)
    {
        if (_history.Count == 0)
        {
            User("What is there to see?");
        }

        var output = new Message(MessageRole.Assistant, parts);
        var step = new RunStep
        {
            TraceId = Trace,
            SpanId = new SpanId(++_spans),
            ParentId = Agent,
            Name = "chat",
            Kind = StepKind.Llm,
            Input = [.. _history],
            Output = [output],
            OfferedTools = _tools,
            FinishReason = finish,
            StartUnixNano = _clock,
            EndUnixNano = _clock += 10,
        };
        Add(step);
        _history.Add(output);
        (_lastAnswer, _answering) = (null, null);
        return step;
    }

    private MessagePart LastCall() => _history.SelectMany(message => message.Parts).Last(part => part.Kind == PartKind.ToolCall);

    private void Add(RunStep step) => _steps.Add(step);
}
