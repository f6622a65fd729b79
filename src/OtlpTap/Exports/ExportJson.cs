using System.Text.Encodings.Web;
using System.Text.Json;

namespace OtlpTap.Exports;

/// <summary>JSON as the formats write it: text as it is, since none of it goes into HTML.</summary>
internal static class ExportJson
{
    private static readonly JsonWriterOptions Line = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Page = Line with { Indented = true, NewLine = "\n" };

    /// <summary>One object a line.</summary>
    public static void WriteLines(IReadOnlyList<ExportedCase> cases, Stream output, Action<Utf8JsonWriter, ExportedCase> write)
    {
        foreach (var exported in cases)
        {
            using (var json = new Utf8JsonWriter(output, Line))
            {
                write(json, exported);
            }

            output.WriteByte((byte)'\n');
        }
    }

    public static void WritePage(Stream output, Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(output, Page))
        {
            write(json);
        }

        output.WriteByte((byte)'\n');
    }
}
