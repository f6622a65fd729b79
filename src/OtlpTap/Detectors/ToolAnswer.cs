using OtlpTap.Runs;

namespace OtlpTap.Detectors;

/// <summary>A tool's result as it was told to a model.</summary>
/// <param name="ShownBy">The first model's call in whose input it stands.</param>
internal sealed record ToolAnswer(RunStep ShownBy, MessagePart Part)
{
    public ResultKind Kind { get; } = ResultText.Read(Part.Text, Part.IsError);
}
