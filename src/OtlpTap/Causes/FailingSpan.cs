using System.Text.RegularExpressions;
using OtlpTap.Otlp;

namespace OtlpTap.Causes;

/// <summary>
/// What a span says of its failure, as far as it matters for which of several is the cause. Texts are cut to
/// <see cref="TextLengthMax"/> characters.
/// </summary>
internal sealed partial class FailingSpan
{
    /// <summary>Errors quote each other at their beginning; what comes behind is stack and advice.</summary>
    public const int TextLengthMax = 512;

    /// <summary>Exceptions and their messages that are looked at, beside the status.</summary>
    public const int TextsMax = 4;

    public required SpanId SpanId { get; init; }

    public SpanId ParentId { get; init; }

    /// <summary>Nanoseconds since 1970, by the sender's clock.</summary>
    public ulong Start { get; init; }

    public ulong End { get; init; }

    /// <summary>Its kinds of failure; empty for a span that is an error and no rule's or detector's.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];

    /// <summary>Something about it is an error: status, exception, <c>error.type</c>, level. Not so where a finish reason or a result is what failed.</summary>
    public bool IsError { get; init; }

    /// <summary>Status message and messages of exceptions, none empty.</summary>
    public IReadOnlyList<string> Messages { get; init; } = [];

    /// <summary><c>error.type</c> and types of exceptions, those left out that say nothing (<c>Error</c>, <c>_OTHER</c>).</summary>
    public IReadOnlyList<string> Types { get; init; } = [];

    /// <summary>As it stands in the span, in whatever form.</summary>
    public string FinishReason { get; init; } = "";

    /// <summary>A call of a model: a tool's failure on it is read from the messages it was sent.</summary>
    public bool IsModelCall { get; init; }

    /// <summary>It only stands around what others do: a workflow or an agent whose instrumentation may not nest its spans.</summary>
    public bool IsFrame { get; init; }

    /// <summary>Its instrumentation names the source of a failure (Genkit): what is not named is none.</summary>
    public bool IsNamingSources { get; init; }

    /// <summary>That source: <c>genkit:isFailureSource</c>.</summary>
    public bool IsSource { get; init; }

    /// <summary>It came in an earlier request; what lies between it and others may be unknown.</summary>
    public bool IsEarlier { get; init; }

    /// <summary>It was stopped at a limit of steps: whatever failed below, that the run went on for too long is a failure of its own.</summary>
    public bool IsLimit => Messages.Any(message => Limit().IsMatch(message));

    /// <summary>The span whose failure this one repeats; zero: a cause, or nothing that was found to have one. Set by <see cref="FailureTree"/>.</summary>
    public SpanId Origin { get; set; }

    /// <summary>Whether it may be a cause: something was found on it, and it repeats nothing.</summary>
    public bool IsCause => Failures.Count > 0 && Origin.IsZero;

    /// <summary>As the ledger keeps it.</summary>
    /// <param name="topParent">The parent of the highest ancestor that has come.</param>
    /// <param name="words">What spans that repeat it say: those above them may say that.</param>
    public FailingSpan AsEarlier(SpanId topParent, IEnumerable<string> words) => new()
    {
        SpanId = SpanId,
        ParentId = topParent,
        Start = Start,
        End = End,
        Failures = Failures,
        IsError = IsError,
        Messages = [.. Messages.Concat(words).Distinct().Take(TextsMax)],
        Types = Types,
        FinishReason = FinishReason,
        IsModelCall = IsModelCall,
        IsFrame = IsFrame,
        IsNamingSources = IsNamingSources,
        IsSource = IsSource,
        IsEarlier = true,
    };

    /// <summary>Adds a text if it says anything and there is room.</summary>
    public static void AddMessage(List<string> messages, string text)
    {
        text = text.Trim();
        if (text.Length > 0 && messages.Count < TextsMax)
        {
            messages.Add(text.Length > TextLengthMax ? text[..TextLengthMax] : text);
        }
    }

    /// <summary>The same for a type, which says something by its last part: <c>System.ClientModel.ClientResultException</c>.</summary>
    public static void AddType(List<string> types, string type)
    {
        type = type.Trim();
        if (type.Length is >= 4 and <= TextLengthMax && types.Count < TextsMax && !IsGeneric(type[(type.LastIndexOf('.') + 1)..]) && !types.Contains(type))
        {
            types.Add(type);
        }
    }

    /// <summary>Names that half of all errors have, and bare codes.</summary>
    private static bool IsGeneric(string name) =>
        name.ToLowerInvariant() is "error" or "exception" or "runtimeerror" or "typeerror" or "valueerror" or "_other" or "other" or "unknown" or "failed" or "tool_error"
            or "agenterror" or "modelerror" or "invalidoperationexception" or "aggregateexception"
        || name.All(char.IsAsciiDigit);

    [GeneratedRegex("(recursion limit|max(imum)?[ _-]?(number of |allowed |tool[ -]call )*(iterations|steps|turns|rounds)|(iteration|step|turn)s? limit)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Limit();
}
