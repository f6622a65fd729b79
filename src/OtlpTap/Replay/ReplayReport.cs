using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Xml;

namespace OtlpTap.Replay;

/// <summary>What became of the cases, for people, for CI and for pull requests.</summary>
internal static class ReplayReport
{
    private const int LineMax = 160;

    public static void WriteTable(TextWriter output, IReadOnlyList<ReplayOutcome> outcomes)
    {
        var rows = outcomes.Select(static outcome => new[] { Word(outcome), Runs(outcome), Seconds(outcome.Duration), outcome.Failure, outcome.Id, Line(outcome.Skipped ?? (outcome.Why.Length > 0 ? outcome.Why : outcome.Title)) })
            .Prepend(["RESULT", "RUNS", "SECONDS", "FAILURE", "CASE", "WHY"]).ToList();
        var widths = Enumerable.Range(0, 5).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, column) => column < widths.Length ? cell.PadRight(widths[column]) : cell)).TrimEnd());
        }

        output.WriteLine(Summary(outcomes));
    }

    public static string Summary(IReadOnlyList<ReplayOutcome> outcomes) => string.Create(CultureInfo.InvariantCulture,
        $"{outcomes.Count(static outcome => outcome.HasPassed)} passed, {outcomes.Count(IsFailed)} failed, {outcomes.Count(static outcome => outcome.Skipped is not null)} skipped.");

    public static bool IsFailed(ReplayOutcome outcome) => outcome.Skipped is null && !outcome.HasPassed;

    /// <summary>In the form that CI servers read: a test case for each case, its runs as its output.</summary>
    public static string JUnit(IReadOnlyList<ReplayOutcome> outcomes)
    {
        var text = new StringBuilder();
        using (var xml = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true }))
        {
            void Numbers(string name)
            {
                xml.WriteAttributeString("name", name);
                xml.WriteAttributeString("tests", outcomes.Count.ToString(CultureInfo.InvariantCulture));
                xml.WriteAttributeString("failures", outcomes.Count(IsFailed).ToString(CultureInfo.InvariantCulture));
                xml.WriteAttributeString("errors", "0");
                xml.WriteAttributeString("skipped", outcomes.Count(static outcome => outcome.Skipped is not null).ToString(CultureInfo.InvariantCulture));
                xml.WriteAttributeString("time", Seconds(outcomes.Aggregate(TimeSpan.Zero, static (sum, outcome) => sum + outcome.Duration)));
            }

            xml.WriteStartElement("testsuites");
            Numbers("otlptap replay");
            xml.WriteStartElement("testsuite");
            Numbers("cases");
            foreach (var outcome in outcomes)
            {
                xml.WriteStartElement("testcase");
                xml.WriteAttributeString("classname", Xml(outcome.Failure));
                xml.WriteAttributeString("name", Xml($"{outcome.Title} [{outcome.Id}]"));
                xml.WriteAttributeString("time", Seconds(outcome.Duration));
                if (outcome.Skipped is { } skipped)
                {
                    xml.WriteStartElement("skipped");
                    xml.WriteAttributeString("message", Xml(skipped));
                    xml.WriteEndElement();
                }
                else if (IsFailed(outcome))
                {
                    xml.WriteStartElement("failure");
                    xml.WriteAttributeString("type", Name(outcome.Runs.First(static run => run.Result != RunResult.Passed).Result));
                    xml.WriteAttributeString("message", Xml(outcome.Why));
                    xml.WriteString(Xml(string.Join('\n', outcome.Runs.Select(static run => $"{Name(run.Result)} trace {run.TraceId} {run.Why}"))));
                    xml.WriteEndElement();
                }

                xml.WriteEndElement();
            }

            xml.WriteEndElement();
            xml.WriteEndElement();
        }

        return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" + text + "\n";
    }

    public static string Json(IReadOnlyList<ReplayOutcome> outcomes)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("passed", outcomes.Count(static outcome => outcome.HasPassed));
            json.WriteNumber("failed", outcomes.Count(IsFailed));
            json.WriteNumber("skipped", outcomes.Count(static outcome => outcome.Skipped is not null));
            json.WriteStartArray("cases");
            foreach (var outcome in outcomes)
            {
                json.WriteStartObject();
                json.WriteString("id", outcome.Id);
                json.WriteString("path", outcome.Path);
                json.WriteString("failure", outcome.Failure);
                json.WriteString("title", outcome.Title);
                json.WriteString("result", Word(outcome));
                if (outcome.Skipped is { } skipped)
                {
                    json.WriteString("why", skipped);
                }

                json.WriteStartArray("runs");
                foreach (var run in outcome.Runs)
                {
                    json.WriteStartObject();
                    json.WriteString("result", Name(run.Result));
                    json.WriteString("why", run.Why);
                    json.WriteString("trace_id", run.TraceId);
                    json.WriteNumber("seconds", Math.Round(run.Duration.TotalSeconds, 3));
                    json.WriteStartArray("findings");
                    foreach (var finding in run.Findings)
                    {
                        json.WriteStartObject();
                        json.WriteString("failure", finding.Failure);
                        json.WriteString("span_name", finding.SpanName);
                        json.WriteString("rules", string.Join(", ", finding.Rules));
                        json.WriteString("evidence", finding.Evidence);
                        json.WriteEndObject();
                    }

                    json.WriteEndArray();
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan) + "\n";
    }

    public static string Markdown(IReadOnlyList<ReplayOutcome> outcomes)
    {
        var text = new StringBuilder("### Regression cases\n\n").Append(Summary(outcomes)).Append("\n\n| | Runs | Failure | Case | Why |\n|---|---|---|---|---|\n");
        foreach (var outcome in outcomes.OrderByDescending(IsFailed))
        {
            var why = outcome.Skipped ?? (outcome.Why.Length > 0 ? outcome.Why : outcome.Title);
            text.Append(CultureInfo.InvariantCulture, $"| {Word(outcome)} | {Runs(outcome)} | {Cell(outcome.Failure)} | {Cell(outcome.Id)} | {Cell(Line(why))} |\n");
        }

        return text.ToString();
    }

    public static string Name(RunResult result) => result switch
    {
        RunResult.Passed => "passed",
        RunResult.StillFails => "still_fails",
        RunResult.NewFailure => "new_failure",
        RunResult.AgentFailed => "agent_failed",
        RunResult.TimedOut => "timed_out",
        RunResult.NoSpans => "no_spans",
        _ => "unrecorded_request",
    };

    /// <summary>One line of printable characters: what is said of a run comes from a sender.</summary>
    public static string Line(string text)
    {
        var line = string.Concat(text.Take(LineMax).Select(static c => char.IsControl(c) ? ' ' : c));
        return text.Length > LineMax ? line + "\u2026" : line;
    }

    private static string Word(ReplayOutcome outcome) => outcome.Skipped is not null ? "skipped" : outcome.HasPassed ? "passed" : "failed";

    private static string Runs(ReplayOutcome outcome) => outcome.Skipped is not null ? "" : string.Create(CultureInfo.InvariantCulture, $"{outcome.PassCount}/{outcome.Runs.Count}");

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);

    // A sender's text must neither end the cell nor become markup.
    private static string Cell(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace("|", "\\|", StringComparison.Ordinal).Replace("[", "\\[", StringComparison.Ordinal).Replace("`", "\\`", StringComparison.Ordinal).Replace("@", "&#64;", StringComparison.Ordinal);

    private static string Xml(string text) => string.Concat(text.EnumerateRunes().Select(static rune =>
        rune.Value is '\t' or '\n' or '\r' || (rune.Value >= 0x20 && rune.Value is not (0xFFFE or 0xFFFF)) ? rune.ToString() : "\uFFFD"));
}
