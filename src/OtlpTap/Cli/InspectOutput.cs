using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OtlpTap.Cli;

/// <summary>How verdicts are printed: a JSON object a line for programs, aligned text for people.</summary>
internal static class InspectOutput
{
    /// <summary>
    /// <c>{"trace_id","span_id","span_name","failure","rules":[],"evidence","source"}</c>: ids in lower-case hex,
    /// <c>span_id</c> null for a verdict on the trace.
    /// </summary>
    public static string Json(InspectVerdict verdict)
    {
        using var buffer = new MemoryStream();
        // The output is read by programs, not embedded into HTML: no need to escape everything beyond ASCII.
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("trace_id", verdict.TraceId.ToString());
            json.WriteString("span_id", verdict.SpanId?.ToString());
            json.WriteString("span_name", verdict.SpanName);
            json.WriteString("failure", verdict.Failure);
            json.WriteStartArray("rules");
            foreach (var rule in verdict.Rules)
            {
                json.WriteStringValue(rule);
            }

            json.WriteEndArray();
            json.WriteString("evidence", verdict.Evidence);
            json.WriteString("source", verdict.Source);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    public static string Text(InspectVerdict verdict) =>
        $"{verdict.Failure,-16}  {verdict.SpanName}  (trace {verdict.TraceId}, span {verdict.SpanId?.ToString() ?? "-"})\n"
        + $"{"",-16}  by {string.Join(", ", verdict.Rules)}: {verdict.Evidence}";
}
