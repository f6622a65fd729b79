using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors.Grounding;

/// <summary>The final answer states what none of its inputs says, or the contrary of what a tool said. On the step that gave the answer.</summary>
internal sealed class GroundingDetector(GroundingOptions options) : IDetector
{
    public const string Key = "grounding";

    private readonly GroundingCheck _check = new(options);

    public string Name => Key;

    public void Examine(AgentRun run, DetectionContext context)
    {
        // What the user or an evaluator said of the answer is not second-guessed.
        if (context.IsAnswerJudged || run.IsCut || run.AnsweringStep is not { Status: not StepStatus.Error } step || string.IsNullOrWhiteSpace(run.FinalAnswer) || context.IsTimeOver)
        {
            return; // what a call that failed left behind is its error
        }

        var found = _check.Assess(Whole(run.FinalAnswer, step), Inputs(run, step, context));
        if (!found.Judged)
        {
            return;
        }

        if (found.Score < options.Threshold)
        {
            context.FoundWell(step, found.Score);
        }
        else
        {
            context.Found(new Verdict(step.SpanId, FailureKind.Hallucination, Name, VerdictSource.Detector)
            {
                Score = found.Score,
                Subject = found.Leading?.Tool,
                Aspect = found.NothingGiven ? "no_source" : found.Leading?.Kind.ToString().ToLowerInvariant(),
                Explanation = found.Explanation,
                Evidence = [.. found.Ungrounded.Take(DetectionContext.EvidenceMax).Select(claim => claim.Text)],
            });
        }
    }

    /// <summary>Without the word in which an answer was cut off at the limit of tokens.</summary>
    private static string Whole(string answer, RunStep step)
    {
        var end = answer.AsSpan().LastIndexOfAny(" \n\t");
        return step.FinishReason == "length" && end > 0 ? answer[..end] : answer;
    }

    private static List<GroundingInput> Inputs(AgentRun run, RunStep answering, DetectionContext context)
    {
        var inputs = new List<GroundingInput>();
        var known = new Dictionary<(GroundingSource, string), int>();
        void Add(GroundingSource source, string? text, string? tool = null)
        {
            if (string.IsNullOrWhiteSpace(text) && source is not (GroundingSource.FailedTool or GroundingSource.UnrecordedTool))
            {
                return;
            }

            if (known.TryAdd((source, text ?? ""), inputs.Count))
            {
                inputs.Add(new GroundingInput(source, text ?? "", tool));
            }
            else if (known[(source, text ?? "")] is var at && inputs[at].Tool is null)
            {
                inputs[at] = inputs[at] with { Tool = tool }; // a message told it before, without the name
            }
        }

        Add(GroundingSource.Instructions, run.SystemPrompt);
        Add(GroundingSource.User, run.UserInput);
        foreach (var step in run.Steps.Where(step => step.Kind is not StepKind.Evaluator))
        {
            Add(GroundingSource.Instructions, step.SystemPrompt);
            foreach (var document in step.Documents)
            {
                Add(GroundingSource.Document, document.Text);
            }

            if (step.Kind == StepKind.Llm)
            {
                foreach (var message in step.Input)
                {
                    AddMessage(message, (source, text) => Add(source, text));
                }
            }
        }

        foreach (var call in context.Calls.All)
        {
            Add(GroundingSource.Arguments, call.Arguments);
            var text = call.Answer?.Part.Text;
            var result = string.IsNullOrWhiteSpace(text) ? call.Execution?.Result : text;
            var failed = call.Outcome != ResultKind.Healthy;
            var unknown = call.Name is { } name && call.Caller.OfferedTools is { Count: > 0 } offered && offered.All(tool => tool.Name != name);
            Add(failed || unknown ? GroundingSource.FailedTool : string.IsNullOrWhiteSpace(result) ? GroundingSource.UnrecordedTool : GroundingSource.ToolResult, result, call.Name);
        }

        foreach (var tool in run.Steps.Where(step => step.Kind == StepKind.Tool && !context.Calls.IsAskedFor(step)))
        {
            Add(GroundingSource.Arguments, tool.Arguments);
            var failed = tool.Status == StepStatus.Error || tool.Exceptions.Count > 0 || (tool.Result is not null && ResultText.Read(tool.Result, false) != ResultKind.Healthy);
            // That no model asked for it may be the recording's fault; its failure is then nothing to hold against the answer.
            Add(failed ? GroundingSource.Arguments : string.IsNullOrWhiteSpace(tool.Result) ? GroundingSource.UnrecordedTool : GroundingSource.ToolResult, tool.Result, tool.Tool);
        }

        // A result that some other span tells is recorded after all.
        if (inputs.Any(input => input.Source == GroundingSource.ToolResult))
        {
            inputs.RemoveAll(input => input.Source == GroundingSource.UnrecordedTool);
        }

        return inputs;
    }

    private static void AddMessage(Message message, Action<GroundingSource, string?> add)
    {
        foreach (var part in message.Parts)
        {
            switch (part.Kind)
            {
                case PartKind.ToolResult:
                    var kind = ResultText.Read(part.Text, part.IsError);
                    add(kind != ResultKind.Healthy ? GroundingSource.FailedTool : GroundingSource.ToolResult, part.Text);
                    break;
                case PartKind.ToolCall:
                    add(GroundingSource.Arguments, part.Arguments);
                    break;
                case PartKind.Text:
                    add(message.Role switch { MessageRole.System => GroundingSource.Instructions, MessageRole.Assistant => GroundingSource.Assistant, MessageRole.Tool => GroundingSource.ToolResult, _ => GroundingSource.User }, part.Text);
                    break;
                default:
                    break;
            }
        }
    }
}
