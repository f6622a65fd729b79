namespace OtlpTap.Detectors.Grounding;

/// <summary>
/// Holds an answer against what the model was given: what does the answer state that none of it says, and what does it say otherwise?
/// Linear in the inputs; the answer's statements are bounded by <see cref="GroundingOptions"/>. For any thread.
/// </summary>
internal sealed class GroundingCheck(GroundingOptions options)
{
    public GroundingAssessment Assess(string answer, IReadOnlyList<GroundingInput> inputs)
    {
        if (string.IsNullOrWhiteSpace(answer) || inputs.Any(input => input.Source == GroundingSource.UnrecordedTool) || !CarryFacts(inputs))
        {
            return GroundingAssessment.NotJudged;
        }

        var characters = 0L;
        foreach (var input in inputs)
        {
            characters += input.Text.Length;
        }

        if (characters > options.InputCharactersMax)
        {
            return GroundingAssessment.NotJudged;
        }

        var statement = AnswerText.Read(answer.Length > options.AnswerCharactersMax ? answer[..options.AnswerCharactersMax] : answer, options.ClaimsMax);
        if (statement.IsEmpty)
        {
            return GroundingAssessment.NotJudged;
        }

        var evidence = new Evidence(statement.Wanted, statement.WantedPairs, options.NumbersMax);
        foreach (var input in inputs)
        {
            evidence.Add(input);
        }

        return new Judgement(statement, evidence, inputs).Give();
    }

    /// <summary>Where nothing was looked up, failed or given, there is nothing to hold an answer against.</summary>
    private static bool CarryFacts(IReadOnlyList<GroundingInput> inputs)
    {
        foreach (var input in inputs)
        {
            if (input.Source is GroundingSource.ToolResult or GroundingSource.FailedTool or GroundingSource.Document)
            {
                return true;
            }

            if (input.Source is GroundingSource.Instructions or GroundingSource.User && input.Text.Length >= 60
                && Vocabulary.ContextCues.Any(cue => input.Text.Contains(cue, StringComparison.OrdinalIgnoreCase))
                && Sentences(input.Text) >= 2)
            {
                return true;
            }
        }

        return false;
    }

    private static int Sentences(string text)
    {
        var count = 0;
        for (var i = 8; i < text.Length && count < 2; i++)
        {
            count += (text[i] == '\n' && char.IsLetter(text[i - 1])) || (text[i] is '.' or ':' && char.IsLetterOrDigit(text[i - 1]) && (i + 1 == text.Length || char.IsWhiteSpace(text[i + 1]))) ? 1 : 0;
        }

        return count;
    }
}
