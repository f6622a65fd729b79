using OtlpTap.Runs.Dialects;
using OtlpTap.Runs.Json;
using OtlpTap.Runs;

namespace OtlpTap.Health.Steps;

/// <summary>A value that came before, with what was made of it then.</summary>
/// <param name="utf8">Its bytes.</param>
internal sealed class KnownName(byte[] utf8, string text)
{
    private readonly StepKinds.Answer?[] _answers = new StepKinds.Answer?[StepKinds.Attributes.Length];
    private uint _asked;
    private string? _unquoted;
    private string? _toolOfSpan;

    public byte[] Utf8 => utf8;

    public string Text => text;

    /// <summary>Without the quotes of a text that was written as JSON.</summary>
    public string Unquoted => _unquoted ??= text is ['"', ..] && JsonText.TryRead(text, RunLimits.Default, out var json) && json.Root is { IsText: true } quoted ? quoted.TextOrNull ?? text : text;

    public bool IsPlaceholder { get; } = StepNames.IsPlaceholder(text);

    /// <summary>As the name of a graph: it is an agent by its making.</summary>
    public bool IsAgentGraph { get; } = StepKinds.AgentGraphs.Contains(text);

    /// <summary>Of a span's name: the tool that it tells.</summary>
    public string ToolOfSpan => _toolOfSpan ??= StepNames.FromSpanName(text);

    /// <summary>Of a span's name: the agent that it tells.</summary>
    public string AgentOfSpan { get; } = StepNames.AfterAny(text, StepNames.AgentPrefixes) ?? text;

    /// <summary>As the value of an attribute that says the kind; null where it means nothing there.</summary>
    public StepKinds.Answer? KindBy(int attribute)
    {
        if ((_asked >> attribute & 1) == 0)
        {
            _asked |= 1u << attribute;
            _answers[attribute] = StepKinds.Attributes[attribute].Values.TryFind(text.AsSpan().Trim('"'), out var answer) ? answer : null;
        }

        return _answers[attribute];
    }
}
