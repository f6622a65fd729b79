using OpenTelemetry.Proto.Common.V1;
using OtlpTap.Otlp;
using OtlpTap.Verdicts;

namespace OtlpTap.Announce;

/// <summary>
/// The body of a log record, which Loki makes the line of: what was found or said, and of which span. For people; programs read the attributes.
/// <code>
///   hallucination found by grounding in tool search of shop/planner, span 00f067aa0ba902b7: 42 is in no source
///   negative user_feedback (thumbs_down) on shop/planner, the whole trace: Wrong city.
/// </code>
/// </summary>
internal sealed partial class VerdictTelemetry
{
    // Read at a glance; the whole text is an attribute.
    private const int LineCharactersMax = 512;

    private static AnyValue Line(in Verdict verdict) =>
        Line($"{Word(verdict.Failure)} found by {Word(verdict.Rule)} in {Place(verdict.Judged, verdict.SpanId)}", verdict.Explanation ?? verdict.Label);

    private static AnyValue Line(Opinion opinion) =>
        Line($"{OpinionValues[(int)opinion.Value]} {Word(opinion.Name)}{(opinion.Label is { Length: > 0 } label ? $" ({Word(label)})" : "")} on {Place(opinion.Judged, opinion.SpanId)}", opinion.Comment);

    private static AnyValue Line(string head, string? said)
    {
        var line = Cut(string.IsNullOrWhiteSpace(said) ? head : $"{head}: {Cut(said, LineCharactersMax)}", LineCharactersMax);
        return new AnyValue { StringValue = string.Concat(line.Select(character => char.IsControl(character) ? ' ' : character)) };
    }

    private static string Place(JudgedSpan? judged, SpanId span)
    {
        var owner = string.Join('/', new[] { judged?.Service, judged?.Agent }.Where(name => !string.IsNullOrEmpty(name)).Select(name => Word(name!)));
        var part = judged switch
        {
            { Tool.Length: > 0 } => $"tool {Word(judged.Tool)}",
            { Model.Length: > 0 } => $"model {Word(judged.Model)}",
            _ => "",
        };
        return string.Join(", ", new[] { string.Join(" of ", new[] { part, owner }.Where(name => name.Length > 0)), span.IsZero ? "the whole trace" : $"span {span}" }.Where(name => name.Length > 0));
    }

    private static string Word(string name) => Cut(name, 64);
}
