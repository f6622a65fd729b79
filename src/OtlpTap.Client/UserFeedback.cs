namespace OtlpTap.Client;

/// <summary>A thumb.</summary>
public enum Thumbs
{
    /// <summary>It was good.</summary>
    Up,

    /// <summary>It was not.</summary>
    Down,
}

/// <summary>
/// What a user thinks of an answer. Says what it is of by one of <see cref="TraceId"/>, <see cref="ResponseId"/> and
/// <see cref="SessionId"/>, and what the user thinks by one of <see cref="Thumbs"/>, <see cref="Stars"/>, <see cref="Score"/> and <see cref="Label"/>.
/// </summary>
public sealed record UserFeedback
{
    /// <summary>The trace of the answer, 32 hexadecimal digits: <c>Activity.Current.TraceId.ToHexString()</c> where it is given.</summary>
    public string? TraceId { get; init; }

    /// <summary>Or the model's id of its response (<c>gen_ai.response.id</c>).</summary>
    public string? ResponseId { get; init; }

    /// <summary>Or the session (<c>gen_ai.conversation.id</c>, <c>session.id</c>).</summary>
    public string? SessionId { get; init; }

    /// <summary>One span of the trace, 16 hexadecimal digits.</summary>
    public string? SpanId { get; init; }

    /// <summary>Up or down.</summary>
    public Thumbs? Thumbs { get; init; }

    /// <summary>1 to 5.</summary>
    public int? Stars { get; init; }

    /// <summary>A number within <see cref="Range"/>.</summary>
    public double? Score { get; init; }

    /// <summary>The worst and the best score.</summary>
    public (double Worst, double Best)? Range { get; init; }

    /// <summary>A word: <c>incorrect</c>.</summary>
    public string? Label { get; init; }

    /// <summary>In the user's own words.</summary>
    public string? Comment { get; init; }

    /// <summary>Who, by an id that is no name.</summary>
    public string? User { get; init; }

    /// <summary>What is judged. Default <c>user_feedback</c>.</summary>
    public string? Name { get; init; }

    /// <summary>Feedback that has the same id is counted once, however often it is sent. Default: a new one.</summary>
    public string Id { get; init; } = Guid.NewGuid().ToString("N");
}
