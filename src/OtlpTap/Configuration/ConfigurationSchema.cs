using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace OtlpTap.Configuration;

/// <summary>
/// The JSON Schema (https://json-schema.org/draft/2020-12) by which editors complete and check the YAML, from what the readers
/// ask for. A value may always be nothing, which is the default, and a reference to the environment, whose text nobody knows.
/// </summary>
internal static class ConfigurationSchema
{
    // ${env:NAME}, alone or within a text. A pattern is asked of strings alone: the other types stand beside it.
    private const string Reference = @"\$\{.+\}";

    public static string Write(KeyShape root)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            json.WriteString("title", "OtlpTap configuration");
            WriteKeys(json, root, "");
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void WriteKey(Utf8JsonWriter json, KeyShape key, string path)
    {
        json.WriteStartObject();
        json.WriteString("description", KeyDescriptions.Of(key, path));
        if (key.Ignored is not null)
        {
            json.WriteBoolean("deprecated", true);
        }

        WriteDefault(json, key);
        if (key.Kind is KeyKind.Map or KeyKind.Components or KeyKind.TextMap or KeyKind.SecretMap or KeyKind.NamedMaps or KeyKind.MapList)
        {
            WriteMap(json, key, path);
        }
        else if (key.Kind != KeyKind.Any)
        {
            WriteScalar(json, key);
        }

        json.WriteEndObject();
    }

    private static void WriteMap(Utf8JsonWriter json, KeyShape key, string path)
    {
        switch (key.Kind)
        {
            case KeyKind.TextMap or KeyKind.SecretMap:
                WriteTypesOrReference(json, "object", "null");
                json.WriteStartObject("additionalProperties");
                WriteTypes(json, "string", "number", "boolean", "null");
                json.WriteEndObject();
                break;
            case KeyKind.NamedMaps:
                WriteTypesOrReference(json, "object", "null");
                json.WriteStartObject("additionalProperties");
                WriteKeys(json, key, path);
                json.WriteEndObject();
                break;
            case KeyKind.MapList:
                WriteTypesOrReference(json, key.IsAlsoMap ? ["array", "object", "null"] : ["array", "null"]);
                json.WriteStartObject("items");
                WriteKeys(json, key, path);
                json.WriteEndObject();
                if (key.IsAlsoMap)
                {
                    // What is said of properties holds for maps, what is said of items for lists.
                    WriteProperties(json, key, path);
                }

                break;
            default:
                WriteKeys(json, key, path);
                break;
        }
    }

    private static void WriteKeys(Utf8JsonWriter json, KeyShape map, string path)
    {
        WriteTypesOrReference(json, "object", "null");
        WriteProperties(json, map, path);
    }

    private static void WriteProperties(Utf8JsonWriter json, KeyShape map, string path)
    {
        json.WriteStartObject(map.Kind == KeyKind.Components ? "patternProperties" : "properties");
        foreach (var key in map.Keys)
        {
            json.WritePropertyName(map.Kind == KeyKind.Components ? $"^({key.Name})(/.+)?$" : key.Name);
            WriteKey(json, key, Below(path, key));
        }

        json.WriteEndObject();
        json.WriteBoolean("additionalProperties", false);
        if (map.Keys.Any(key => key.IsRequired))
        {
            json.WriteStartArray("required");
            foreach (var key in map.Keys.Where(key => key.IsRequired))
            {
                json.WriteStringValue(key.Name);
            }

            json.WriteEndArray();
        }
    }

    private static void WriteScalar(Utf8JsonWriter json, KeyShape key)
    {
        switch (key.Kind)
        {
            case KeyKind.Flag:
                WriteTypesOrReference(json, "boolean", "null");
                break;
            case KeyKind.Integer or KeyKind.Number:
                WriteTypesOrReference(json, key.Kind == KeyKind.Integer ? "integer" : "number", "null");
                WriteNumber(json, "minimum", key.Min!);
                WriteNumber(json, "maximum", key.Max!);
                break;
            case KeyKind.Duration:
                // 0 is the only number that needs no unit.
                WriteTypes(json, "string", "integer", "null");
                json.WriteString("pattern", @$"^(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$|{Reference}");
                json.WriteNumber("maximum", 0);
                break;
            case KeyKind.Choice:
                WriteChoices(json, key);
                break;
            case KeyKind.TextList or KeyKind.SecretList:
                WriteTypes(json, "array", "string", "number", "null");
                json.WriteStartObject("items");
                WriteTypes(json, "string", "number", "boolean");
                json.WriteEndObject();
                break;
            default:
                // Plain numbers and words such as true are text where text is asked for.
                WriteTypes(json, key.IsRequired ? ["string", "number", "boolean"] : ["string", "number", "boolean", "null"]);
                break;
        }
    }

    // A word that looks like a number is one to YAML when it stands without quotes.
    private static void WriteChoices(Utf8JsonWriter json, KeyShape key)
    {
        json.WriteStartArray("anyOf");
        json.WriteStartObject();
        json.WriteString("pattern", Reference);
        WriteTypes(json, "string");
        json.WriteEndObject();
        json.WriteStartObject();
        json.WriteStartArray("enum");
        foreach (var word in key.Choices)
        {
            json.WriteStringValue(word);
            if (double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                json.WriteNumberValue(number);
            }
        }

        json.WriteNullValue();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteDefault(Utf8JsonWriter json, KeyShape key)
    {
        switch (key.Kind)
        {
            case var _ when key.Default is null:
                break;
            case KeyKind.Integer or KeyKind.Number:
                WriteNumber(json, "default", key.Default);
                break;
            case KeyKind.Flag:
                json.WriteBoolean("default", key.Default == "true");
                break;
            case KeyKind.TextList:
                json.WriteStartArray("default");
                foreach (var item in key.Default.Trim('[', ']').Split(", "))
                {
                    json.WriteStringValue(item == "\"\"" ? "" : item);
                }

                json.WriteEndArray();
                break;
            default:
                json.WriteString("default", key.Default);
                break;
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, string number)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(number);
    }

    private static void WriteTypesOrReference(Utf8JsonWriter json, params ReadOnlySpan<string> types)
    {
        WriteTypes(json, [.. types, "string"]);
        json.WriteString("pattern", Reference);
    }

    // On one line: there are hundreds.
    private static void WriteTypes(Utf8JsonWriter json, params ReadOnlySpan<string> types)
    {
        json.WritePropertyName("type");
        json.WriteRawValue($"[\"{string.Join("\", \"", types!)}\"]");
    }

    private static string Below(string path, KeyShape key)
    {
        var name = key.Name.Split('|')[0];
        return path.Length == 0 ? name : $"{path}.{name}";
    }
}
