namespace OtlpTap.Runs.Content;

/// <summary>What was found in one place where a step's input or output may stand.</summary>
internal sealed class StepContent
{
    public List<Message> Messages { get; } = [];

    public string? SystemPrompt { get; set; }

    public List<OfferedTool>? Tools { get; set; }

    public string? FinishReason { get; set; }

    /// <summary>Somewhere a message, a choice or a part was seen; without, the messages are plain texts.</summary>
    public bool IsShaped { get; set; }

    /// <summary>A structure in which no message was found, as JSON.</summary>
    public string? Structure { get; set; }

    public bool SaysAnything => Messages.Exists(message => message.Parts.Count > 0);
}
