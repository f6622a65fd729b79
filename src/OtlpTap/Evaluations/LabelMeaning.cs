namespace OtlpTap.Evaluations;

/// <summary>What a label says of the result, whatever its metric.</summary>
internal enum LabelSense : byte
{
    /// <summary>A word that nobody knows: the score decides.</summary>
    Unknown,
    Good,
    Bad,

    /// <summary>Neither: not to be judged, whatever the score.</summary>
    Neutral,

    /// <summary>That there is what the metric looks for: true, yes, detected. Good or bad as the metric is.</summary>
    Present,

    /// <summary>That there is none of it.</summary>
    Absent,
}

/// <summary>The closed vocabulary of labels.</summary>
/// <param name="IsHallucination">The word itself says that the answer is not supported, so that the metric's name need not.</param>
internal readonly record struct LabelMeaning(LabelSense Sense, bool IsHallucination = false)
{
    private static readonly Dictionary<string, LabelMeaning> Vocabulary = new[]
    {
        Words(
            new(LabelSense.Bad, IsHallucination: true),
            "hallucinated", "hallucination", "hallucinating", "hallucinates", "hallucinations", "unfaithful", "ungrounded", "notgrounded", "notfaithful", "unsupported", "notsupported", "contradicted", "contradiction", "contradictory", "contradicts", "notfactual", "nonfactual", "factuallyincorrect", "factualinaccuracy", "fabricated", "fabrication", "madeup", "confabulated", "gibberish", "nonsensicalresponse", "valuecontradiction", "toolcontradiction"),
        Words(
            new(LabelSense.Bad),
            "incorrect", "notcorrect", "wrong", "fail", "failed", "failure", "failing", "notpassed", "notpass", "bad", "poor", "verypoor", "unacceptable", "terrible", "inaccurate", "invalid", "rejected", "reject", "blocked", "flagged", "triggered", "violation", "violated", "unsafe", "toxic", "harmful", "biased", "offensive", "hateful", "irrelevant", "notrelevant", "unrelated", "offtopic", "incomplete", "unhelpful", "nothelpful", "friction", "frustrated", "frustration", "dissatisfied", "unsatisfied", "notsatisfied", "unhappy", "angry", "negative", "dislike", "disliked", "disagree", "downvote", "downvoted", "thumbsdown", "thumbdown", "thumbdowned", "down", "👎", "abandoned", "unresolved", "notresolved", "notcompleted", "unsuccessful", "incoherent", "insufficient"),
        Words(
            new(LabelSense.Good),
            "factual", "grounded", "faithful", "supported", "nothallucinated", "nothallucination", "nohallucination", "nohallucinations", "nonhallucinated", "hallucinationfree", "nocontradiction", "correct", "right", "accurate", "valid", "pass", "passed", "passing", "success", "successful", "succeeded", "good", "verygood", "excellent", "exceptional", "great", "acceptable", "accepted", "accept", "approved", "relevant", "related", "ontopic", "complete", "completed", "helpful", "veryhelpful", "safe", "nontoxic", "nottoxic", "unbiased", "notbiased", "nobias", "harmless", "nofriction", "satisfied", "happy", "positive", "like", "liked", "agree", "upvote", "upvoted", "thumbsup", "thumbup", "up", "👍", "resolved", "coherent", "sufficient"),
        Words(
            new(LabelSense.Neutral),
            "neutral", "unknown", "inconclusive", "undetermined", "notapplicable", "na", "n/a", "skipped", "skip", "error", "notevaluated", "notparsable", "unsure", "refused", "answered", "average", "fair", "mixed", "partial", "partiallycorrect"),
        Words(new(LabelSense.Present), "true", "yes", "y", "t", "1", "detected", "present", "found", "high", "veryhigh", "critical", "severe"),
        Words(new(LabelSense.Absent), "false", "no", "n", "f", "0", "notdetected", "absent", "notpresent", "notfound", "none", "low", "verylow", "minimal"),
        Words(new(LabelSense.Neutral), "medium", "moderate"),
    }.SelectMany(words => words).ToDictionary();

    public static LabelMeaning Of(string label)
    {
        if (label.Length > MetricName.LengthMax)
        {
            return default;
        }

        // Lower case without what separates words: THUMBS_DOWN, thumbs-down and "Thumbs down" are one.
        Span<char> text = stackalloc char[MetricName.LengthMax];
        var length = 0;
        foreach (var character in label)
        {
            if (character is not ('-' or '_' or ' ' or '.' or '!' or '"' or '\''))
            {
                text[length++] = char.ToLowerInvariant(character);
            }
        }

        return Vocabulary.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text[..length], out var meaning) ? meaning : default;
    }

    private static IEnumerable<KeyValuePair<string, LabelMeaning>> Words(LabelMeaning meaning, params string[] words) => words.Select(word => KeyValuePair.Create(word, meaning));
}
