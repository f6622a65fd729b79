using OtlpTap.Runs;
using OtlpTap.Runs.Calls;

namespace OtlpTap.Detectors;

/// <summary>
/// All calls of tools in a run, each once, in the order in which models asked for them, with the spans that carried them out
/// and the answers that models were told.
/// </summary>
internal sealed class ToolCalls
{
    /// <summary>More are not looked at: a run that calls more often than this is a loop by then.</summary>
    public const int CallsMax = 20_000;

    private readonly List<ToolCall> _all = [];
    private readonly List<ToolAnswer> _unclaimed = [];
    private readonly HashSet<RunStep> _claimed = new(ReferenceEqualityComparer.Instance);

    private ToolCalls()
    {
    }

    public IReadOnlyList<ToolCall> All => _all;

    /// <summary>Answers to calls that no model of the run is seen to ask for.</summary>
    public IReadOnlyList<ToolAnswer> UnclaimedAnswers => _unclaimed;

    /// <summary>Whether some model's call is known to have asked for this execution.</summary>
    public bool IsAskedFor(RunStep execution) => _claimed.Contains(execution);

    public static ToolCalls Of(AgentRun run)
    {
        var calls = new ToolCalls();
        calls.AddAsked(run);
        calls.AddExecutions(run);
        calls.AddAnswers(run);
        return calls;
    }

    private void AddAsked(AgentRun run)
    {
        var lastOf = new Dictionary<string, RunStep>(StringComparer.Ordinal);
        foreach (var step in run.Steps.Where(static step => step.Kind == StepKind.Llm))
        {
            foreach (var part in step.Output.SelectMany(static message => message.Parts).Where(static part => part.Kind == PartKind.ToolCall))
            {
                if (_all.Count == CallsMax)
                {
                    return;
                }

                // A span around the span of the same model call tells its calls again. Small servers number the calls of each answer anew.
                if (part.CallId is { Length: > 0 } id)
                {
                    if (lastOf.TryGetValue(id, out var last) && (last == step || step.ParentId == last.SpanId || last.ParentId == step.SpanId))
                    {
                        continue;
                    }

                    lastOf[id] = step;
                }

                _all.Add(new ToolCall(step, part.CallId, part.ToolName, part.Arguments));
            }
        }
    }

    // By id, or else by name; of several the first that has none yet.
    private void AddExecutions(AgentRun run)
    {
        var byId = QueuesBy(static call => call.Id);
        var byName = QueuesBy(static call => call.Name);
        foreach (var tool in run.Steps.Where(static step => step.Kind == StepKind.Tool))
        {
            var call = tool.CallId is { Length: > 0 } id && byId.Knows(id)
                ? byId.Take(id, static call => call.Execution is null)
                : byName.Take(tool.Tool ?? "", static call => call.Execution is null);
            if (call is not null)
            {
                call.Execution = tool;
                _claimed.Add(tool);
            }
        }
    }

    private void AddAnswers(AgentRun run)
    {
        var byId = QueuesBy(static call => call.Id);
        var any = new Queue<ToolCall>(_all);
        var told = new Dictionary<string, int>(StringComparer.Ordinal);
        var answers = 0;
        foreach (var step in run.Steps.Where(static step => step.Kind == StepKind.Llm))
        {
            // A history repeats what was told: the n-th answer to an id in one history is the n-th in all.
            var inStep = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var index = StartOfTurn(step.Input); index < step.Input.Count; index++)
            {
                foreach (var part in step.Input[index].Parts.Where(static part => part.Kind == PartKind.ToolResult))
                {
                    var key = part.CallId ?? "";
                    var number = inStep[key] = inStep.GetValueOrDefault(key) + 1;
                    if (number > told.GetValueOrDefault(key) && ++answers <= CallsMax)
                    {
                        told[key] = number;
                        Answered(new ToolAnswer(step, part), byId, any);
                    }
                }
            }
        }
    }

    // What was answered before the user's last word is of an earlier turn, which has a trace of its own.
    private static int StartOfTurn(IReadOnlyList<Message> input)
    {
        for (var index = input.Count - 1; index >= 0; index--)
        {
            // Anthropic's results come in messages of the user.
            if (input[index].Role == MessageRole.User && !input[index].Parts.Any(static part => part.Kind == PartKind.ToolResult))
            {
                return index + 1;
            }
        }

        return 0;
    }

    private void Answered(ToolAnswer answer, CallQueues<string, ToolCall> byId, Queue<ToolCall> any)
    {
        // Ids may differ between a call and its answer (item ids and call ids of OpenAI's responses): then the order decides.
        var call = answer.Part.CallId is { Length: > 0 } id && byId.Knows(id)
            ? byId.Take(id, static call => call.Answer is null)
            : TakeNext(any, answer.ShownBy);
        if (call is null)
        {
            _unclaimed.Add(answer);
        }
        else
        {
            call.Answer = answer;
        }
    }

    private static ToolCall? TakeNext(Queue<ToolCall> calls, RunStep before)
    {
        while (calls.TryPeek(out var call) && call.Caller != before)
        {
            calls.Dequeue();
            if (call.Answer is null)
            {
                return call;
            }
        }

        return null;
    }

    private CallQueues<string, ToolCall> QueuesBy(Func<ToolCall, string?> keyOf)
    {
        var queues = new CallQueues<string, ToolCall>(StringComparer.Ordinal);
        foreach (var call in _all)
        {
            if (keyOf(call) is { Length: > 0 } key)
            {
                queues.Add(key, call);
            }
        }

        return queues;
    }
}
