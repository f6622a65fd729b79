namespace OtlpTap.Spans;

/// <summary>The attributes by which a span tells that it is a fallback, whoever wrote it.</summary>
internal static class FallbackAttributes
{
    /// <summary>What was done: a value of advice (<c>reroute</c>), or the agent's own word. A span that has it is a fallback.</summary>
    public const string Fallback = "otlptap.fallback";

    /// <summary>Why, in few words.</summary>
    public const string Reason = "otlptap.fallback.reason";

    /// <summary>The id of the advice that was followed.</summary>
    public const string AdviceId = "otlptap.advice.id";
}
