namespace OtlpTap.Causes;

/// <summary>How surely a span only repeats the failure of one below it; the larger the surer.</summary>
internal enum RepetitionStrength : byte
{
    /// <summary>A failure of its own.</summary>
    None,

    /// <summary>An error without a word of its own.</summary>
    ByStatus,

    /// <summary>The same kind, or the same type of exception, on a span that ended with the other.</summary>
    ByKind,

    /// <summary>It says what the other says.</summary>
    ByText,

    /// <summary>The instrumentation says so.</summary>
    BySource,
}

/// <summary>Whether the failure of a span is that of one below it over again.</summary>
internal static class Repetition
{
    /// <summary>A shorter message stands in others by chance.</summary>
    private const int QuoteLengthMin = 8;

    /// <param name="above">An ancestor of <paramref name="cause"/>.</param>
    /// <param name="isLast">Nothing was begun below <paramref name="above"/> after <paramref name="cause"/> ended.</param>
    public static RepetitionStrength Of(FailingSpan above, FailingSpan cause, Func<bool> isLast)
    {
        var isSameKind = above.Failures.Any(cause.Failures.Contains);

        // A reason to finish that comes up from the model's call; errors have none.
        if (!above.IsError)
        {
            return isSameKind && above.FinishReason.Length > 0 && above.FinishReason == cause.FinishReason ? RepetitionStrength.ByKind : RepetitionStrength.None;
        }

        if (above.IsLimit && !SaysTheSame(above, cause))
        {
            return RepetitionStrength.None;
        }

        // What is made an error of because of what the model answered: the answer is the cause, though no error is on it.
        if (isSameKind && !cause.IsError && isLast())
        {
            return RepetitionStrength.ByKind;
        }

        if (above.IsSource)
        {
            return RepetitionStrength.None;
        }

        if (above.IsNamingSources && cause.IsSource)
        {
            return RepetitionStrength.BySource;
        }

        if (SaysTheSame(above, cause))
        {
            return RepetitionStrength.ByText;
        }

        if (above.Types.Any(cause.Types.Contains) && isLast())
        {
            return RepetitionStrength.ByKind;
        }

        if (above.Messages.Count == 0 && above.Types.Count == 0)
        {
            return RepetitionStrength.ByStatus;
        }

        return isSameKind && cause.Messages.Count == 0 && cause.Types.Count == 0 && isLast() ? RepetitionStrength.ByKind : RepetitionStrength.None;
    }

    /// <summary>One message is the other or quotes it, or quotes the other's type; where neither has a message the types are equal.</summary>
    public static bool SaysTheSame(FailingSpan above, FailingSpan cause)
    {
        foreach (var message in above.Messages)
        {
            foreach (var below in cause.Messages)
            {
                if (message == below
                    || (below.Length >= QuoteLengthMin && message.Contains(below, StringComparison.Ordinal))
                    || (message.Length >= QuoteLengthMin && below.Contains(message, StringComparison.Ordinal)))
                {
                    return true;
                }
            }

            foreach (var type in cause.Types)
            {
                if (message.Contains(type[(type.LastIndexOf('.') + 1)..], StringComparison.Ordinal))
                {
                    return true;
                }
            }
        }

        return (above.Messages.Count == 0 || cause.Messages.Count == 0) && above.Types.Any(cause.Types.Contains);
    }
}
