using System.Globalization;
using OtlpTap.Redact;
using OtlpTap.Runs;

namespace OtlpTap.Replay;

/// <summary>What a model answered in the recorded run.</summary>
/// <param name="ErrorStatus">The call failed: the HTTP status to fail with; 0: it did not.</param>
internal sealed record RecordedAnswer(string Model, IReadOnlyList<MessagePart> Parts, string FinishReason, long InputTokens, long OutputTokens, int ErrorStatus = 0, string Error = "");

/// <summary>What a tool returned in the recorded run.</summary>
internal sealed record RecordedResult(string Result, bool IsError);

/// <summary>
/// The model and the tools of one run, as they answered in the recorded one. What was asked several times is answered in
/// the recorded order, and from then on with the last answer. Thread-safe.
/// </summary>
internal sealed class RecordedWorld
{
    private readonly Lock _lock = new();
    private readonly Redactor? _redactor;
    private readonly bool _withToolResults;
    private readonly List<(NormalRequest Request, RecordedAnswer Answer)> _answers = [];
    private readonly List<(string Tool, string Arguments, RecordedResult Result)> _results = [];
    private readonly HashSet<int> _given = [];

    /// <param name="redactor">As the case was redacted, so that a request is compared as it would have been written. Used under a lock.</param>
    /// <param name="withToolResults">False: an answer is given also where tools returned something else than they did then.</param>
    public RecordedWorld(AgentRun recorded, Redactor? redactor, bool withToolResults)
    {
        _redactor = redactor;
        _withToolResults = withToolResults;
        foreach (var step in recorded.Steps.Where(static step => step.Kind == StepKind.Llm))
        {
            if (Answer(step) is { } answer)
            {
                _answers.Add((NormalRequest.Of(step), answer));
            }
        }

        foreach (var call in recorded.ToolCalls)
        {
            var error = call.ToolStep is { Status: StepStatus.Error } failed ? failed.StatusMessage : null;
            if ((call.Result ?? error) is { } result)
            {
                _results.Add((call.Name, NormalRequest.Value(call.Arguments, null), new RecordedResult(result, call.IsError)));
            }
        }

        Tools = recorded.Steps.LastOrDefault(static step => step.OfferedTools is not null)?.OfferedTools
            ?? [.. _results.Select(static result => result.Tool).Distinct(StringComparer.Ordinal).Select(static name => new OfferedTool(name, null, null))];
    }

    public IReadOnlyList<OfferedTool> Tools { get; }

    /// <summary>The first request that has no recorded answer, and how it differs; null when all had one.</summary>
    public string? Problem { get; private set; }

    public void Report(string problem)
    {
        lock (_lock)
        {
            Problem ??= problem;
        }
    }

    /// <summary>Null with the difference to the nearest recorded request when none is like this one.</summary>
    public RecordedAnswer? Ask(Func<Redactor?, NormalRequest> read, out string problem)
    {
        lock (_lock)
        {
            var asked = read(_redactor);
            problem = "";
            var found = Take(index => _answers[index].Request.Matches(asked, withToolResults: true), _answers.Count, offset: 0);
            if (found < 0 && !_withToolResults)
            {
                found = Take(index => _answers[index].Request.Matches(asked, withToolResults: false), _answers.Count, offset: 0);
            }

            if (found >= 0)
            {
                return _answers[found].Answer;
            }

            problem = _answers.Count == 0
                ? "the case has no recorded answer of a model"
                : string.Create(CultureInfo.InvariantCulture, $"no recorded answer for this request to the model; nearest of {_answers.Count}: {_answers.MaxBy(answer => answer.Request.LikeLines(asked)).Request.Difference(asked)}");
            return null;
        }
    }

    /// <summary>The same for a call of a tool.</summary>
    public RecordedResult? Call(string tool, string? arguments, out string problem)
    {
        lock (_lock)
        {
            var value = NormalRequest.Value(arguments, _redactor);
            problem = "";
            var found = Take(index => _results[index].Tool == tool && Same(_results[index].Arguments, value), _results.Count, offset: _answers.Count);
            if (found >= 0)
            {
                return _results[found].Result;
            }

            var near = _results.Where(result => result.Tool == tool).Select(static result => result.Arguments).Distinct().Take(3).ToList();
            problem = near.Count > 0
                ? $"no recorded result of {tool}({value}); recorded with {string.Join(", ", near)}"
                : $"no recorded result of the tool {tool}; recorded are {string.Join(", ", _results.Select(static result => result.Tool).Distinct())}";
            return null;
        }
    }

    private static bool Same(string recorded, string asked) => recorded == asked || (recorded is "" or "{}" && asked is "" or "{}");

    // The first that was not given yet; else the last that fits.
    private int Take(Func<int, bool> fits, int count, int offset)
    {
        var last = -1;
        for (var index = 0; index < count; index++)
        {
            if (fits(index))
            {
                last = index;
                if (_given.Add(index + offset))
                {
                    return index;
                }
            }
        }

        return last;
    }

    private static RecordedAnswer? Answer(RunStep step)
    {
        const int NoStatus = 500;
        var parts = step.Output.SelectMany(static message => message.Parts).Where(static part => part.Kind is PartKind.Text or PartKind.ToolCall or PartKind.Refusal).ToList();
        var model = step.Model ?? "recorded";
        if (parts.Count == 0 && step.Status == StepStatus.Error)
        {
            var error = step.StatusMessage.Length > 0 ? step.StatusMessage : step.ErrorType.Length > 0 ? step.ErrorType : "the recorded call failed";
            var status = int.TryParse(step.ErrorType, NumberStyles.None, CultureInfo.InvariantCulture, out var code) && code is >= 400 and < 600 ? code : NoStatus;
            return new RecordedAnswer(model, [], "error", 0, 0, status, error);
        }

        if (parts.Count == 0 && step.FinishReason is null && step.Result is { Length: > 0 } text)
        {
            parts.Add(new MessagePart(PartKind.Text, text));
        }

        var reason = step.FinishReason ?? (parts.Exists(static part => part.Kind == PartKind.ToolCall) ? "tool_call" : "stop");
        return parts.Count == 0 && step.Output.Count == 0 && step.FinishReason is null
            ? null // nothing was recorded of it
            : new RecordedAnswer(model, parts, reason, step.InputTokens ?? 0, step.OutputTokens ?? 0);
    }
}
