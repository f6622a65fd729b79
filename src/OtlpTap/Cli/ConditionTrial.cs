using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;
using OtlpTap.Rules.Ottl;
using OtlpTap.Rules.Values;

namespace OtlpTap.Cli;

/// <summary>Conditions on items, and what came of each, for people or as JSON.</summary>
internal sealed class ConditionTrial(RuleContext context, bool allowBarePaths, ErrorMode mode, bool asJson)
{
    private const int NameLengthMax = 60;

    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void Run(IReadOnlyList<string> conditions, IReadOnlyList<TelemetryItem> items, TextWriter output, TextWriter error)
    {
        foreach (var text in conditions)
        {
            var problems = new List<OttlProblem>();
            var condition = OttlCondition.Parse(text, context, allowBarePaths, TimeProvider.System, problems);
            var outcomes = condition is null ? [] : items.Select(item => condition.Evaluate(item, mode)).ToList();
            var problem = condition is null ? Describe(text, problems) : null;
            foreach (var outcome in outcomes.Where(outcome => mode == ErrorMode.Ignore && outcome.Error.Length > 0))
            {
                error.WriteLine($"{text}: {outcome.Error}");
            }

            if (asJson)
            {
                output.WriteLine(Json(text, problem, outcomes));
            }
            else
            {
                WriteText(output, text, problem, items, outcomes);
            }
        }
    }

    /// <summary>The first problem in the text; the others often follow from it.</summary>
    private static string Describe(string text, List<OttlProblem> problems)
    {
        var first = problems.MinBy(problem => problem.Position);
        var (line, column) = first.LineAndColumn(text);
        return $"{line}:{column}: {first.Message}";
    }

    private static string Json(string condition, string? problem, List<ConditionOutcome> outcomes)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            json.WriteStartObject();
            json.WriteString("condition", condition);
            json.WriteString("parse_error", problem);
            json.WriteStartArray("results");
            foreach (var outcome in outcomes)
            {
                if (outcome.Outcome == Outcome.Error)
                {
                    json.WriteStringValue("error: " + outcome.Error);
                }
                else
                {
                    json.WriteBooleanValue(outcome.Outcome == Outcome.True);
                }
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteText(TextWriter output, string condition, string? problem, IReadOnlyList<TelemetryItem> items, List<ConditionOutcome> outcomes)
    {
        output.WriteLine(condition);
        if (problem is not null)
        {
            output.WriteLine($"  {problem}");
            return;
        }

        for (var i = 0; i < items.Count; i++)
        {
            var result = outcomes[i].Outcome switch { Outcome.True => "true ", Outcome.False => "false", _ => "error" };
            output.WriteLine($"  {result}  {NameOf(items[i])}{(outcomes[i].Outcome == Outcome.Error ? ": " + outcomes[i].Error : "")}");
        }

        var matches = outcomes.Count(outcome => outcome.Outcome == Outcome.True);
        output.WriteLine($"  {matches} of {items.Count} match.");
    }

    private static string NameOf(TelemetryItem item) => item switch
    {
        { Event: { } one, Span: { } span } => $"event {item.EventIndex} {Short(one.Name)} of span {IdOf(span)} {Short(span.Name)}",
        { Span: { } span } => $"span {IdOf(span)} {Short(span.Name)}",
        _ => $"log record {Short(item.Log!.EventName.Length > 0 ? item.Log.EventName : item.Log.SeverityText)}",
    };

    /// <summary>One line, as long as a name is.</summary>
    private static string Short(string name)
    {
        var line = string.Concat(name.Select(c => char.IsControl(c) ? ' ' : c));
        return line.Length <= NameLengthMax ? line : line[..NameLengthMax] + "...";
    }

    private static string IdOf(OpenTelemetry.Proto.Trace.V1.Span span) => Convert.ToHexStringLower(span.SpanId.Span);
}
