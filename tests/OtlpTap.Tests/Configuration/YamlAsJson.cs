using System.Globalization;
using System.Text.Json;
using OtlpTap.Configuration;

namespace OtlpTap.Tests.Configuration;

/// <summary>A YAML file as an editor gives it to a schema: plain words are typed as YAML 1.2 does.</summary>
internal static class YamlAsJson
{
    public static JsonElement Read(string yaml)
    {
        var problems = new ProblemList();
        var node = YamlReader.Read("file.yaml", yaml, problems) ?? throw new InvalidOperationException("invalid YAML");
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            Write(json, node);
        }

        return JsonDocument.Parse(stream.ToArray()).RootElement;
    }

    private static void Write(Utf8JsonWriter json, ConfigNode node)
    {
        switch (node)
        {
            case ConfigMap map:
                json.WriteStartObject();
                foreach (var entry in map.Entries)
                {
                    json.WritePropertyName(entry.Key);
                    Write(json, entry.Value);
                }

                json.WriteEndObject();
                break;
            case ConfigList list:
                json.WriteStartArray();
                foreach (var item in list.Items)
                {
                    Write(json, item);
                }

                json.WriteEndArray();
                break;
            case ConfigScalar { IsNull: true }:
                json.WriteNullValue();
                break;
            case ConfigScalar { IsPlain: true, Text: "true" or "false" } flag:
                json.WriteBooleanValue(flag.Text == "true");
                break;
            case ConfigScalar { IsPlain: true } number when double.TryParse(number.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value):
                json.WriteNumberValue(value);
                break;
            default:
                json.WriteStringValue(((ConfigScalar)node).Text);
                break;
        }
    }
}
