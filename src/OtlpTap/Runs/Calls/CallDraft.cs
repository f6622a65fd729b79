namespace OtlpTap.Runs.Calls;

/// <summary>A call of a tool while it is put together from what models, tools and histories tell of it.</summary>
internal sealed class CallDraft
{
    private string? _told;
    private bool _isError;

    public string? Id { get; set; }

    public string? Name { get; set; }

    public string? Arguments { get; set; }

    public RunStep? Step { get; set; }

    public RunStep? Tool { get; private set; }

    public bool HasTold { get; private set; }

    /// <summary>A step that tells a result was started after the call was asked for.</summary>
    public bool IsBefore(RunStep teller) =>
        Step is null || Step == teller || Step.StartUnixNano <= teller.StartUnixNano || teller.Kind != StepKind.Llm;

    public void Take(RunStep tool)
    {
        Tool = tool;
        tool.Tool ??= Name;
        Name ??= tool.Tool;
        Arguments ??= tool.Arguments;
    }

    public void Tell(MessagePart result)
    {
        HasTold = true;
        _told = result.Text is { Length: > 0 } text ? text : null;
        _isError |= result.IsError;
        Name ??= result.ToolName;
    }

    public ToolCall Finish() => new(Name ?? "")
    {
        CallId = Id ?? Tool?.CallId,
        Arguments = Arguments,
        Result = Tool?.Result is { } result && !(IsFailed && result == "null") ? result : _told,
        IsError = _isError || IsFailed,
        CallingStep = Step,
        ToolStep = Tool,
    };

    private bool IsFailed => Tool is not null && (Tool.Status == StepStatus.Error || Tool.ResultIsError || Tool.Exceptions.Count > 0);
}
