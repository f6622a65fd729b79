using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OtlpTap.Cli.Scoreboard;

/// <summary>A score on paper: aligned columns that are Markdown as well, or one JSON object.</summary>
internal static class ScoreTables
{
    private static readonly string[] Columns = ["expected", "found", "missed", "wrong", "precision", "recall", "F1"];

    public static string Markdown(Score score)
    {
        var text = new StringBuilder();
        var all = new Dictionary<string, Tally>
        {
            ["shown by status, attributes, events, logs or other spans"] = score.Visible,
            ["shown by natural language alone"] = score.TextOnly,
        };
        Append(text, $"{score.Scenarios} scenarios", all);
        Append(text, "kind of failure", score.ByKind);
        Append(text, "instrumentation", score.ByInstrumentation);
        AppendPlaces(text, score.ByPlace);
        return text.ToString().TrimEnd('\n') + "\n";
    }

    /// <summary>
    /// <c>{"scenarios","visible":TALLY,"text_only":TALLY,"by_kind":{KIND:TALLY},"by_instrumentation":{...},"by_place":{...},"remarks":[]}</c>
    /// with TALLY = <c>{"expected","found","missed","wrong","precision","recall","f1"}</c>, shares from 0 to 1.
    /// </summary>
    public static string Json(Score score)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteNumber("scenarios", score.Scenarios);
            Write(json, "visible", score.Visible);
            Write(json, "text_only", score.TextOnly);
            Write(json, "by_kind", score.ByKind);
            Write(json, "by_instrumentation", score.ByInstrumentation);
            Write(json, "by_place", score.ByPlace);
            json.WriteStartArray("remarks");
            foreach (var remark in score.Remarks)
            {
                json.WriteStringValue(remark);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n";
    }

    private static void Append(StringBuilder text, string title, IReadOnlyDictionary<string, Tally> tallies)
    {
        var rows = tallies.Select(row => (string[])
        [
            row.Key,
            .. new[] { row.Value.Expected, row.Value.Found, row.Value.Missed, row.Value.Wrong }.Select(number => number.ToString(CultureInfo.InvariantCulture)),
            .. new[] { row.Value.Precision, row.Value.Recall, row.Value.F1 }.Select(share => share.ToString("0.00", CultureInfo.InvariantCulture)),
        ]);
        AppendTable(text, [title, .. Columns], [.. rows]);
    }

    private static void AppendPlaces(StringBuilder text, IReadOnlyDictionary<string, Tally> tallies)
    {
        var rows = tallies.Select(row => new[] { row.Key, row.Value.Expected.ToString(CultureInfo.InvariantCulture), row.Value.Found.ToString(CultureInfo.InvariantCulture) });
        AppendTable(text, ["where a span's label shows", "labels", "found on that span"], [.. rows]);
    }

    private static void AppendTable(StringBuilder text, string[] header, List<string[]> rows)
    {
        var widths = header.Select((title, column) => Math.Max(title.Length, rows.Select(row => row[column].Length).DefaultIfEmpty().Max())).ToArray();
        AppendRow(text, header, widths);
        text.Append('|');
        for (var column = 0; column < widths.Length; column++)
        {
            text.Append(new string('-', widths[column] + (column == 0 ? 2 : 1))).Append(column == 0 ? "|" : ":|");
        }

        text.Append('\n');
        foreach (var row in rows)
        {
            AppendRow(text, row, widths);
        }

        text.Append('\n');
    }

    private static void AppendRow(StringBuilder text, string[] cells, int[] widths)
    {
        text.Append('|');
        for (var column = 0; column < cells.Length; column++)
        {
            text.Append(' ').Append(column == 0 ? cells[column].PadRight(widths[column]) : cells[column].PadLeft(widths[column])).Append(" |");
        }

        text.Append('\n');
    }

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, Tally> tallies)
    {
        json.WriteStartObject(name);
        foreach (var (key, tally) in tallies)
        {
            Write(json, key, tally);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, Tally tally)
    {
        json.WriteStartObject(name);
        json.WriteNumber("expected", tally.Expected);
        json.WriteNumber("found", tally.Found);
        json.WriteNumber("missed", tally.Missed);
        json.WriteNumber("wrong", tally.Wrong);
        json.WriteNumber("precision", Math.Round(tally.Precision, 4));
        json.WriteNumber("recall", Math.Round(tally.Recall, 4));
        json.WriteNumber("f1", Math.Round(tally.F1, 4));
        json.WriteEndObject();
    }
}
