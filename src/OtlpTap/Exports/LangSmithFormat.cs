using System.Security.Cryptography;
using System.Text;
using OtlpTap.Corpus;

namespace OtlpTap.Exports;

/// <summary>
/// LangSmith's <c>ExampleCreate</c>, one a line. Its dataset is named where it is uploaded: <c>dataset_id</c> is a UUID of
/// that account's.
/// </summary>
internal sealed class LangSmithFormat : ICaseFormat
{
    public string Name => "langsmith";

    public bool IsForReruns => true;

    public void Write(IReadOnlyList<ExportedCase> cases, ExportOptions options, Stream output) =>
        ExportJson.WriteLines(cases, output, (json, exported) =>
        {
            json.WriteStartObject();
            json.WriteString("id", IdOf(options.Dataset, exported.Id));
            json.WriteString("created_at", JsonText.Of(exported.Document.RecordedAt));
            json.WriteStartObject("inputs");
            json.WriteString("input", exported.Input);
            JsonText.WriteIfAny(json, "system_prompt", exported.SystemPrompt);
            json.WriteEndObject();
            if (exported.Expected is { } expected)
            {
                json.WriteStartObject("outputs");
                json.WriteString("output", expected);
                json.WriteEndObject();
            }

            exported.WriteMetadata(json, "metadata");
            json.WriteString("split", exported.Failure);
            json.WriteEndObject();
        });

    // Always the same, so that an upload of the next day replaces and adds nothing twice. Version 8 is for ids of one's own making (RFC 9562).
    private static Guid IdOf(string dataset, string id)
    {
        Span<byte> bytes = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes($"otlptap\n{dataset}\n{id}"), bytes);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes[..16], bigEndian: true);
    }
}
