namespace OtlpTap.Feedback;

/// <summary>What a user's next words say of the answer before them.</summary>
internal enum Reaction : byte
{
    /// <summary>Another question, thanks, an answer to the agent's own question: nothing.</summary>
    None,

    /// <summary>The same question in other words.</summary>
    Rephrased,

    /// <summary>"That is wrong", "I mean ...".</summary>
    Protested,

    /// <summary>The same words again, for the second time at least.</summary>
    Repeated,
}

/// <summary>
/// Whether the user had to ask again. Precision before recall: a question about another city, day or number is a new one,
/// and so is one that only narrows the last.
/// </summary>
internal static class Rephrasing
{
    /// <param name="agentAsked">The answer between the two ended with a question: what looks like a repetition may be its answer.</param>
    /// <param name="repeats">How often in a row the very same words came before.</param>
    /// <param name="threshold">The similarity from which two inputs say the same; 0 to 1.</param>
    public static Reaction Judge(Utterance previous, Utterance next, bool agentAsked, int repeats, double threshold)
    {
        if (next.IsThanks)
        {
            return Reaction.None;
        }

        var similarity = next.SimilarityTo(previous);
        if (next.IsProtest)
        {
            // "I mean the red one" answers a question; "that is still wrong" does not, nor does what comes back to the topic.
            return next.ContentWords.Count == 0 || similarity >= threshold / 2 || (!agentAsked && similarity > 0) ? Reaction.Protested : Reaction.None;
        }

        if (agentAsked)
        {
            return Reaction.None;
        }

        if (next.StartsWithNo)
        {
            return next.ContentWords.Count == 0 || similarity >= threshold / 2 ? Reaction.Protested : Reaction.None;
        }

        if (next.ContentWords.SetEquals(previous.ContentWords) && next.Pins.SetEquals(previous.Pins) && next.ContentWords.Count > 0)
        {
            // Somebody who polls asks twice as well; who asks for a third time has not been answered.
            return next.Words != previous.Words ? Reaction.Rephrased : repeats >= 1 ? Reaction.Repeated : Reaction.None;
        }

        var isNarrowed = next.Pins.Any(pin => !previous.ContentWords.Contains(pin)) || previous.Pins.Any(pin => !next.ContentWords.Contains(pin));
        return !isNarrowed && similarity >= threshold && next.ContentWords.Count > 1 && previous.ContentWords.Count > 1 ? Reaction.Rephrased : Reaction.None;
    }
}
