using OtlpTap.Otlp;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Corpus;

/// <summary>What failed, in one line of words, for lists and reports. Of the first occurrence: it tells two cases apart for people, not for the tap.</summary>
internal static class CaseTitle
{
    private const int LengthMax = 300;
    private const int ExplanationMax = 160;

    public static string Of(CaseGroup group, in Verdict primary, AgentRun run)
    {
        var step = run.Find(primary.SpanId);
        var isTool = step?.Tool is { Length: > 0 } || (primary.Subject is { Length: > 0 } && !IsOfAnswer(primary.Failure));
        var what = What(group, primary, run, isTool) + Tail(group, primary);
        var title = group.Agent.Length > 0 ? $"{group.Agent}: {what}" : what;
        return Line(title, LengthMax);
    }

    private static string What(CaseGroup group, in Verdict primary, AgentRun run, bool isTool)
    {
        // Where nothing but the agent is known, its name stands in front already.
        var subject = group.Subject.Length > 0 && group.Subject != group.Agent ? $"`{group.Subject}`" : null;
        var model = subject ?? "the model";
        return group.Failure switch
        {
            FailureKind.ToolError when isTool => $"tool {subject ?? "call"} failed",
            FailureKind.ToolError when run.Find(primary.SpanId)?.Kind == StepKind.Llm => $"a tool failed, as {model} was told",
            FailureKind.LlmError => $"call of {model} failed",
            FailureKind.PlanningError when IsSaidByDetector(primary) => Sentence(primary.Explanation!),
            FailureKind.PlanningError when isTool => $"wrong call of tool {subject}",
            FailureKind.PlanningError => subject is null ? "planning error" : $"planning error of {subject}",
            FailureKind.Hallucination => OfAnswer(primary, run),
            FailureKind.SchemaError => "output is not of the schema that was asked for",
            FailureKind.Truncated => $"answer of {model} was cut off",
            FailureKind.ContentFilter => $"a filter took the answer of {model}",
            FailureKind.Refusal => $"{model} refused to answer",
            FailureKind.EmptyOutput => $"{model} answered with nothing",
            FailureKind.IncompleteTrace => $"the span above {subject ?? "others"} never came",
            FailureKind.FailedEvaluation => $"answer failed the evaluation `{primary.Rule}`",
            FailureKind.NegativeFeedback => $"a user was not content with the answer of {model}",
            FailureKind.ImplicitNegativeFeedback => "a user was not served",
            FailureKind.Reported => "reported",
            var kind => subject is null ? kind.Replace('_', ' ') : $"{kind.Replace('_', ' ')} in {subject}",
        };
    }

    private static string OfAnswer(in Verdict primary, AgentRun run)
    {
        var sources = Sources(primary.Source == VerdictSource.Rule ? "" : primary.Subject ?? AnswerSources.Of(run));
        return primary.Source != VerdictSource.Detector ? $"answer judged as not supported by {sources}"
            : primary.Aspect == "contradiction" ? $"answer contradicts {sources}"
            : primary.Aspect == "no_source" ? $"answer made up where {sources} failed"
            : $"answer not supported by {sources}";
    }

    private static string Sources(string sources) => sources switch
    {
        "" => "what it was given",
        AnswerSources.Documents => "the documents",
        AnswerSources.Several => sources,
        _ when sources.Contains(", ", StringComparison.Ordinal) => "tools " + string.Join(", ", sources.Split(", ").Select(static name => $"`{name}`")),
        _ => $"tool `{sources}`",
    };

    /// <summary>The error's words; or why, where somebody says it; or the rule that matched.</summary>
    private static string Tail(CaseGroup group, in Verdict primary)
    {
        if (group.Message != CaseGroup.DecidedBy(primary))
        {
            return ": " + string.Join(": ", new[] { group.ErrorType, group.Message }.Where(static part => part.Length > 0).Distinct());
        }

        var rule = primary.Source == VerdictSource.Rule ? $" ({primary.Rule})" : "";
        return primary.Explanation is { Length: > 0 } why && (IsOfAnswer(group.Failure) || !IsSaidByDetector(primary)) ? $": {Sentence(why)}{rule}" : rule;
    }

    private static bool IsOfAnswer(string failure) => failure is FailureKind.Hallucination or FailureKind.FailedEvaluation;

    private static bool IsSaidByDetector(in Verdict verdict) => verdict is { Source: VerdictSource.Detector, Explanation.Length: > 0 };

    // To stand behind a colon.
    private static string Sentence(string explanation)
    {
        var line = Line(explanation, ExplanationMax).TrimEnd('.');
        return line.StartsWith("The ", StringComparison.Ordinal) || line.StartsWith("A ", StringComparison.Ordinal) ? char.ToLowerInvariant(line[0]) + line[1..] : line;
    }

    private static string Line(string text, int lengthMax)
    {
        var line = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return line.Cut(lengthMax, "\u2026");
    }
}
