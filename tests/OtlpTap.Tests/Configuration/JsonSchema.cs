using System.Text.Json;
using System.Text.RegularExpressions;

namespace OtlpTap.Tests.Configuration;

/// <summary>As much of JSON Schema 2020-12 as the schema uses; a word that it does not know is an error.</summary>
internal static class JsonSchema
{
    /// <summary>Where the value breaks the schema; empty where it does not.</summary>
    public static IReadOnlyList<string> Problems(JsonElement schema, JsonElement value, string path = "")
    {
        var problems = new List<string>();
        foreach (var word in schema.EnumerateObject())
        {
            switch (word.Name)
            {
                case "$schema" or "title" or "description" or "default" or "deprecated":
                    break;
                case "type":
                    Check(word.Value.EnumerateArray().Any(type => Is(type.GetString()!, value)), $"{value.ValueKind} is none of {word.Value}");
                    break;
                case "pattern":
                    Check(value.ValueKind != JsonValueKind.String || Regex.IsMatch(value.GetString()!, word.Value.GetString()!), $"{value} is not like {word.Value}");
                    break;
                case "enum":
                    Check(word.Value.EnumerateArray().Any(each => JsonElement.DeepEquals(each, value)), $"{value} is none of {word.Value}");
                    break;
                case "minimum":
                    Check(value.ValueKind != JsonValueKind.Number || value.GetDouble() >= word.Value.GetDouble(), $"{value} is less than {word.Value}");
                    break;
                case "maximum":
                    Check(value.ValueKind != JsonValueKind.Number || value.GetDouble() <= word.Value.GetDouble(), $"{value} is more than {word.Value}");
                    break;
                case "anyOf":
                    Check(word.Value.EnumerateArray().Any(each => Problems(each, value).Count == 0), $"{value} is nothing of {word.Value}");
                    break;
                case "required":
                    Check(value.ValueKind != JsonValueKind.Object || word.Value.EnumerateArray().All(key => value.TryGetProperty(key.GetString()!, out _)), $"not all of {word.Value} are there");
                    break;
                case "items":
                    problems.AddRange(value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().SelectMany((item, index) => Problems(word.Value, item, $"{path}[{index}]")) : []);
                    break;
                case "properties" or "patternProperties" or "additionalProperties":
                    break;
                default:
                    throw new InvalidOperationException($"the word {word.Name} of JSON Schema is not known here");
            }
        }

        foreach (var property in value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().ToArray() : [])
        {
            problems.AddRange(Of(schema, property.Name) is { } below
                ? Problems(below, property.Value, $"{path}.{property.Name}")
                : schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind == JsonValueKind.False ? [$"{path}.{property.Name}: unknown"] : []);
        }

        return problems;

        void Check(bool isRight, string problem)
        {
            if (!isRight)
            {
                problems.Add($"{path}: {problem}");
            }
        }
    }

    private static JsonElement? Of(JsonElement schema, string key)
    {
        if (schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty(key, out var below))
        {
            return below;
        }

        foreach (var pattern in schema.TryGetProperty("patternProperties", out var patterns) ? patterns.EnumerateObject().ToArray() : [])
        {
            if (Regex.IsMatch(key, pattern.Name))
            {
                return pattern.Value;
            }
        }

        return schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind == JsonValueKind.Object ? more : null;
    }

    private static bool Is(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() % 1 == 0,
        _ => throw new InvalidOperationException($"JSON Schema has no type {type}"),
    };
}
