using System.Text.RegularExpressions;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// The final answer is a refusal in plain words. On the model's call. A short list of what models say when they decline a
/// request as such; that something was not found, or cannot be done with the tools at hand, is an answer.
/// </summary>
internal sealed class RefusalDetector : IDetector
{
    // A refusal is a paragraph; what is longer answers something.
    private const int AnswerCharsMax = 600;

    private static readonly Regex Refusal = new(
        """^\W*(?:(?:i['’]m|i am|we['’]re) (?:very |really |so |truly )?sorry,? (?:but )?|sorry,? (?:but )?|unfortunately,? |(?:i )?apologi[sz]e,? (?:but )?|(?:thank you|thanks)[^.!]{0,60}[.!,] (?:but )?|as an ai(?: language)?(?: model| assistant)?,? )?(?:i|we) (?:can['’]?t|can ?not|won['’]?t|will not|am unable to|['’]?m unable to|am not able to|['’]?m not able to|am not allowed to|must decline to|have to decline to|decline to|refuse to|am not comfortable|(?:do not|don['’]t) feel comfortable|must (?:respectfully )?(?:refuse|decline))(?: to)?[ ,]*(?:be |actually |directly |in good conscience |ethically )?(?:help|helping|assist|assisting|comply|complying|fulfil|fulfill|engage|participate|support|do that|do this|provide (?:that|this|such|assistance|help|any (?:help|assistance)|instructions|guidance)|discuss (?:that|this|such)|answer (?:that|this|your)|continue with (?:that|this)|respond to (?:that|this)|create (?:that|this|such|content)|generate (?:that|this|such|content)|write (?:that|this|such)|your request|this request|that request)\b""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    private static readonly Regex Contracted = new(
        """^\W*(?:(?:i['’]m|i am) (?:very |really )?sorry,? (?:but )?|sorry,? (?:but )?)?i['’]m (?:unable|not able|not allowed|not permitted|not comfortable) (?:to )?(?:help|helping|assist|assisting|comply|fulfil|fulfill|engage|participate|provide (?:that|this|such)|discuss (?:that|this|such)|answer (?:that|this|your))\b|^\W*(?:this|that|your) request (?:violates|goes against|is against|conflicts with)\b""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    // "I can't help with X because the tool failed" is the tool's failure.
    private static readonly Regex Excused = new(
        """\b(?:tool|service|system|api|server|database|lookup|search|data|results?|connection|technical|error|unavailable|moment|right now|try again|at (?:this|the) time|currently|further without|until|more (?:information|details)|need (?:to know|your|more)|please (?:provide|specify|tell|share|clarify|log|sign))\b""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    public string Name => "refusal";

    public void Examine(AgentRun run, DetectionContext context)
    {
        if (run.AnsweringStep is { } step
            && run.FinalAnswer is { Length: > 0 and <= AnswerCharsMax } answer
            && (Refusal.IsMatch(answer) || Contracted.IsMatch(answer))
            && !Excused.IsMatch(answer)
            && !context.IsKnown(step.SpanId, FailureKind.ContentFilter))
        {
            context.Found(step, FailureKind.Refusal, "The answer is a refusal.", answer);
        }
    }
}
