using System.Text.Json;
using System.Text.RegularExpressions;

namespace OtlpTap.Detectors.Schema;

/// <summary>
/// Reads JSON Schema (drafts 4 to 2020-12, and <c>nullable</c> of OpenAPI) into nodes, bounded in nodes, depth and patterns.
/// References are local only: nothing is ever fetched.
/// Source: https://json-schema.org/draft/2020-12/json-schema-validation, https://json-schema.org/draft-07/json-schema-validation.
/// </summary>
internal sealed class SchemaReader(JsonElement root)
{
    private const int NodesMax = 20_000;
    private const int DepthMax = 64;
    private const int PatternsMax = 64;
    private const int PatternCharsMax = 512;
    private static readonly TimeSpan PatternTimeMax = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, SchemaNode?> _references = new(StringComparer.Ordinal);
    private int _nodes;
    private int _patterns;

    /// <summary>Some part of the schema was left out for its size: what it would refuse is not known.</summary>
    public bool IsIncomplete { get; private set; }

    public SchemaNode? Read() => Read(root, 0);

    /// <summary>The schema that a reference points to; null for one that is not local or leads nowhere.</summary>
    public SchemaNode? Resolve(string reference)
    {
        if (!_references.TryGetValue(reference, out var node))
        {
            _references[reference] = node = TryPoint(reference, out var target) ? Read(target, 0) : null;
        }

        return node;
    }

    private SchemaNode? Read(JsonElement schema, int depth)
    {
        if (++_nodes > NodesMax || depth > DepthMax)
        {
            IsIncomplete = true;
            return null;
        }

        return schema.ValueKind switch
        {
            JsonValueKind.True => new SchemaNode { Always = true },
            JsonValueKind.False => new SchemaNode { Always = false },
            JsonValueKind.Object => ReadObject(schema, depth + 1),
            _ => null,
        };
    }

    private SchemaNode ReadObject(JsonElement schema, int depth)
    {
        var members = Members(schema);
        SchemaNode? Sub(string key) => members.TryGetValue(key, out var value) ? Read(value, depth) : null;
        double? Number(string key) => members.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) ? number : null;
        int? Count(string key) => Number(key) is >= 0 and <= int.MaxValue and var number ? (int)number : null;
        bool IsTrue(string key) => members.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.True;

        var itemsIsList = members.TryGetValue("items", out var items) && items.ValueKind == JsonValueKind.Array;
        var pattern = TextOf(members, "pattern");
        var usable = pattern is null ? null : PatternOf(pattern);
        return new SchemaNode
        {
            Reference = TextOf(members, "$ref") ?? TextOf(members, "$dynamicRef") ?? TextOf(members, "$recursiveRef"),
            Types = TypesOf(members, IsTrue("nullable")),
            Properties = Named(members, "properties", depth),
            Required = [.. Texts(members, "required")],
            AdditionalProperties = Sub("additionalProperties"),
            PatternProperties = PatternsOf(members, depth),
            PropertyNames = Sub("propertyNames"),
            PrefixItems = itemsIsList ? List(members, "items", depth) : List(members, "prefixItems", depth),
            Items = itemsIsList ? Sub("additionalItems") : Sub("items"),
            Contains = Sub("contains"),
            Enum = members.TryGetValue("const", out var constant) ? [constant]
                : members.TryGetValue("enum", out var values) && values.ValueKind == JsonValueKind.Array ? [.. values.EnumerateArray()] : null,
            Pattern = pattern is null ? null : usable,
            IsPatternUnknown = pattern is not null && usable is null,
            AllOf = List(members, "allOf", depth),
            AnyOf = List(members, "anyOf", depth),
            OneOf = List(members, "oneOf", depth),
            Not = Sub("not"),
            If = Sub("if"),
            Then = Sub("then"),
            Else = Sub("else"),
            DependentSchemas = Named(members, "dependentSchemas", depth) ?? Named(members, "dependencies", depth),
            DependentRequired = NamedTexts(members, "dependentRequired") ?? NamedTexts(members, "dependencies"),
            UniqueItems = IsTrue("uniqueItems"),

            // Draft 4 has "exclusiveMinimum": true beside "minimum".
            Minimum = IsTrue("exclusiveMinimum") ? null : Number("minimum"),
            Maximum = IsTrue("exclusiveMaximum") ? null : Number("maximum"),
            ExclusiveMinimum = IsTrue("exclusiveMinimum") ? Number("minimum") : Number("exclusiveMinimum"),
            ExclusiveMaximum = IsTrue("exclusiveMaximum") ? Number("maximum") : Number("exclusiveMaximum"),
            MultipleOf = Number("multipleOf") is > 0 and var divisor ? divisor : null,
            MinLength = Count("minLength"),
            MaxLength = Count("maxLength"),
            MinItems = Count("minItems"),
            MaxItems = Count("maxItems"),
            MinProperties = Count("minProperties"),
            MaxProperties = Count("maxProperties"),
            MinContains = Count("minContains"),
            MaxContains = Count("maxContains"),
        };
    }

    // JSON's last member of a name is the one that counts.
    private static Dictionary<string, JsonElement> Members(JsonElement schema)
    {
        var members = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in schema.EnumerateObject())
        {
            members[member.Name] = member.Value;
        }

        return members;
    }

    private static string? TextOf(Dictionary<string, JsonElement> members, string key) =>
        members.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static IEnumerable<string> Texts(Dictionary<string, JsonElement> members, string key) =>
        members.TryGetValue(key, out var value) ? Texts(value) : [];

    private static IEnumerable<string> Texts(JsonElement list) => list.ValueKind == JsonValueKind.Array
        ? list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!)
        : [];

    private static List<string>? TypesOf(Dictionary<string, JsonElement> members, bool isNullable)
    {
        List<string> types = TextOf(members, "type") is { } one ? [one] : [.. Texts(members, "type")];
        types = [.. types.Select(static type => type.ToLowerInvariant())]; // Gemini writes them in capitals
        if (types.Count == 0 || !types.TrueForAll(static type => type is "object" or "array" or "string" or "number" or "integer" or "boolean" or "null"))
        {
            return null;
        }

        if (isNullable)
        {
            types.Add("null");
        }

        return types;
    }

    private Dictionary<string, SchemaNode>? Named(Dictionary<string, JsonElement> members, string key, int depth)
    {
        if (!members.TryGetValue(key, out var value) || value.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var named = new Dictionary<string, SchemaNode>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            if (Read(member.Value, depth) is { } node)
            {
                named[member.Name] = node;
            }
        }

        return named;
    }

    private static Dictionary<string, IReadOnlyList<string>>? NamedTexts(Dictionary<string, JsonElement> members, string key)
    {
        if (!members.TryGetValue(key, out var value) || value.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var named = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject().Where(static member => member.Value.ValueKind == JsonValueKind.Array))
        {
            named[member.Name] = [.. Texts(member.Value)];
        }

        return named;
    }

    private List<SchemaNode> List(Dictionary<string, JsonElement> members, string key, int depth)
    {
        var list = new List<SchemaNode>();
        if (members.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in value.EnumerateArray())
            {
                list.Add(Read(item, depth) ?? new SchemaNode());
            }
        }

        return list;
    }

    private List<(Regex? Pattern, SchemaNode Schema)> PatternsOf(Dictionary<string, JsonElement> members, int depth)
    {
        var patterns = new List<(Regex?, SchemaNode)>();
        if (members.TryGetValue("patternProperties", out var value) && value.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in value.EnumerateObject())
            {
                patterns.Add((PatternOf(member.Name), Read(member.Value, depth) ?? new SchemaNode()));
            }
        }

        return patterns;
    }

    // The expressions of strangers run in linear time or not at all: no look-around, no back references.
    private Regex? PatternOf(string pattern)
    {
        if (pattern.Length <= PatternCharsMax && ++_patterns <= PatternsMax)
        {
            try
            {
                return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, PatternTimeMax);
            }
            catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
            {
                // Wrong, or not linear: as if it were not there, below.
            }
        }

        return null;
    }

    private bool TryPoint(string reference, out JsonElement target)
    {
        target = root;
        if (!reference.StartsWith('#'))
        {
            return false;
        }

        if (reference.Length == 1)
        {
            return true;
        }

        if (reference[1] != '/')
        {
            return false; // an anchor: rare in tools, and a scan of the whole schema
        }

        foreach (var step in reference[2..].Split('/'))
        {
            var name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (target.ValueKind == JsonValueKind.Object && target.TryGetProperty(name, out var member))
            {
                target = member;
            }
            else if (target.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index) && index >= 0 && index < target.GetArrayLength())
            {
                target = target[index];
            }
            else
            {
                return false;
            }
        }

        return true;
    }
}
