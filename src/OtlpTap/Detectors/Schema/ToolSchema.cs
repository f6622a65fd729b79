using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OtlpTap.Detectors.Schema;

/// <summary>
/// A JSON Schema against which the arguments of calls are checked, for any thread after another. It says only what is certain:
/// what cannot be decided (a reference that is not local, a pattern that is not linear, work beyond the bound) is taken as valid.
/// </summary>
internal sealed class ToolSchema : IDisposable
{
    /// <summary>The schemas of tools have some kilobytes; a larger one is not read.</summary>
    public const int TextCharsMax = 256 << 10;

    // A check of a call with a hundred members asks a few hundred things; this many take some milliseconds.
    private const int WorkMax = 200_000;

    // Levels of the instance and references on the way: recursive schemas end where the instance does, others here.
    private const int DepthMax = 128;

    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 128 };

    private readonly JsonDocument _document;
    private readonly SchemaReader _reader;
    private readonly SchemaNode _root;

    // Of the check under way.
    private int _work;
    private bool _isUndecided;
    private int _trials;
    private string? _problem;

    private ToolSchema(JsonDocument document, SchemaReader reader, SchemaNode root)
    {
        _document = document;
        _reader = reader;
        _root = root;
    }

    /// <summary>Null for what is no schema.</summary>
    public static ToolSchema? Read(string text)
    {
        if (text.Length > TextCharsMax)
        {
            return null;
        }

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(text, Lenient);
        }
        catch (JsonException)
        {
            return null;
        }

        var reader = new SchemaReader(document.RootElement);
        if (reader.Read() is { } root && !reader.IsIncomplete)
        {
            return new ToolSchema(document, reader, root);
        }

        document.Dispose();
        return null;
    }

    /// <summary>Whether <paramref name="value"/> is certainly not valid, and why: the first thing that is wrong.</summary>
    public bool Refuses(JsonElement value, out string problem)
    {
        (_work, _isUndecided, _trials, _problem) = (0, false, 0, null);
        var isValid = IsValid(_root, value, "", 0);
        problem = _problem ?? "does not fit the schema";
        return !isValid && !_isUndecided && !_reader.IsIncomplete;
    }

    public void Dispose() => _document.Dispose();

    private bool IsValid(SchemaNode node, JsonElement value, string path, int depth)
    {
        if (++_work > WorkMax || depth > DepthMax)
        {
            _isUndecided = true;
        }

        if (_isUndecided || node.Always == true)
        {
            return true;
        }

        if (node.Always == false)
        {
            return Refused($"{Place(path)} is not allowed");
        }

        return IsReferenceValid(node, value, path, depth)
            && IsTypeValid(node, value, path)
            && IsEnumValid(node, value, path)
            && value.ValueKind switch
            {
                JsonValueKind.Object => IsObjectValid(node, value, path, depth),
                JsonValueKind.Array => IsArrayValid(node, value, path, depth),
                JsonValueKind.String => IsStringValid(node, value.GetString()!, path),
                JsonValueKind.Number => IsNumberValid(node, value, path),
                _ => true,
            }
            && AreCombinationsValid(node, value, path, depth);
    }

    private bool IsReferenceValid(SchemaNode node, JsonElement value, string path, int depth)
    {
        if (node.Reference is null)
        {
            return true;
        }

        if (_reader.Resolve(node.Reference) is { } target)
        {
            return IsValid(target, value, path, depth + 1);
        }

        _isUndecided = true;
        return true;
    }

    private bool IsTypeValid(SchemaNode node, JsonElement value, string path)
    {
        if (node.Types is null)
        {
            return true;
        }

        foreach (var type in node.Types)
        {
            var fits = type switch
            {
                "object" => value.ValueKind == JsonValueKind.Object,
                "array" => value.ValueKind == JsonValueKind.Array,
                "string" => value.ValueKind == JsonValueKind.String,
                "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
                "null" => value.ValueKind == JsonValueKind.Null,
                "integer" => value.ValueKind == JsonValueKind.Number && (value.TryGetInt64(out _) || !value.TryGetDouble(out var number) || Math.Floor(number) == number),
                _ => value.ValueKind == JsonValueKind.Number,
            };
            if (fits)
            {
                return true;
            }
        }

        return Refused($"{Place(path)} is of type {NameOf(value.ValueKind)}, not {string.Join(" or ", node.Types)}");
    }

    private bool IsEnumValid(SchemaNode node, JsonElement value, string path)
    {
        if (node.Enum is null)
        {
            return true;
        }

        foreach (var allowed in node.Enum)
        {
            _work += 1 + (allowed.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? allowed.GetRawText().Length / 16 : 0);
            if (_work > WorkMax)
            {
                _isUndecided = true;
                return true;
            }

            if (JsonElement.DeepEquals(allowed, value))
            {
                return true;
            }
        }

        return Refused($"{Place(path)} is none of the allowed values");
    }

    private bool IsObjectValid(SchemaNode node, JsonElement value, string path, int depth)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in value.EnumerateObject())
        {
            names.Add(member.Name);
            if (++_work > WorkMax)
            {
                _isUndecided = true;
                return true;
            }

            if (!IsMemberValid(node, member, path, depth))
            {
                return false;
            }
        }

        foreach (var name in node.Required)
        {
            _work++;
            if (!names.Contains(name))
            {
                return Refused($"{Place(path)} lacks \"{name}\"");
            }
        }

        if (names.Count < node.MinProperties || names.Count > node.MaxProperties)
        {
            return Refused($"{Place(path)} has {names.Count} members");
        }

        return AreDependenciesValid(node, value, names, path, depth);
    }

    private bool IsMemberValid(SchemaNode node, JsonProperty member, string path, int depth)
    {
        var inner = $"{path}.{member.Name}";
        if (node.PropertyNames is { } nameSchema)
        {
            using var name = JsonDocument.Parse($"\"{JsonEncodedText.Encode(member.Name)}\"");
            if (!IsValid(nameSchema, name.RootElement, inner, depth + 1))
            {
                return false;
            }
        }

        var isNamed = false;
        if (node.Properties?.TryGetValue(member.Name, out var schema) == true)
        {
            isNamed = true;

            // Models write null for what they leave out; tools take it so.
            if (!(member.Value.ValueKind == JsonValueKind.Null && !node.Required.Contains(member.Name)) && !IsValid(schema, member.Value, inner, depth + 1))
            {
                return false;
            }
        }

        foreach (var (pattern, patternSchema) in node.PatternProperties)
        {
            if (Matches(pattern, member.Name) is not { } matches)
            {
                isNamed = true; // it may be one of these
            }
            else if (matches)
            {
                isNamed = true;
                if (!IsValid(patternSchema, member.Value, inner, depth + 1))
                {
                    return false;
                }
            }
        }

        return isNamed || node.AdditionalProperties is null || IsValid(node.AdditionalProperties, member.Value, inner, depth + 1);
    }

    private bool AreDependenciesValid(SchemaNode node, JsonElement value, HashSet<string> names, string path, int depth)
    {
        foreach (var (name, required) in node.DependentRequired ?? [])
        {
            if (names.Contains(name) && required.FirstOrDefault(other => !names.Contains(other)) is { } missing)
            {
                return Refused($"{Place(path)} lacks \"{missing}\", which \"{name}\" needs");
            }
        }

        foreach (var (name, schema) in node.DependentSchemas ?? [])
        {
            if (names.Contains(name) && !IsValid(schema, value, path, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private bool IsArrayValid(SchemaNode node, JsonElement value, string path, int depth)
    {
        var count = value.GetArrayLength();
        if (count < node.MinItems || count > node.MaxItems)
        {
            return Refused($"{Place(path)} has {count} items");
        }

        var index = 0;
        var contained = 0;
        var seen = node.UniqueItems ? new HashSet<string>(StringComparer.Ordinal) : null;
        foreach (var item in value.EnumerateArray())
        {
            if (++_work > WorkMax)
            {
                _isUndecided = true;
                return true;
            }

            var schema = index < node.PrefixItems.Count ? node.PrefixItems[index] : node.Items;
            if (schema is not null && !IsValid(schema, item, string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]"), depth + 1))
            {
                return false;
            }

            if (node.Contains is { } wanted && IsValidQuietly(wanted, item, path, depth))
            {
                contained++;
            }

            if (seen?.Add(item.GetRawText()) == false)
            {
                return Refused($"{Place(path)} has an item twice");
            }

            index++;
        }

        return node.Contains is null || (contained >= (node.MinContains ?? 1) && !(contained > node.MaxContains)) || Refused($"{Place(path)} does not contain what it must");
    }

    private bool IsStringValid(SchemaNode node, string text, string path)
    {
        if (node.MinLength is not null || node.MaxLength is not null)
        {
            // In code points: a pair of surrogates counts once.
            var length = text.Length - text.Count(char.IsLowSurrogate);
            if (length < node.MinLength || length > node.MaxLength)
            {
                return Refused($"{Place(path)} has {length} characters");
            }
        }

        return (node.Pattern is null && !node.IsPatternUnknown) || Matches(node.Pattern, text) != false || Refused($"{Place(path)} does not match the pattern {node.Pattern}");
    }

    private bool IsNumberValid(SchemaNode node, JsonElement value, string path)
    {
        if (!value.TryGetDouble(out var number))
        {
            return true;
        }

        var isInRange = !(number < node.Minimum) && !(number > node.Maximum) && !(number <= node.ExclusiveMinimum) && !(number >= node.ExclusiveMaximum);
        if (!isInRange)
        {
            return Refused($"{Place(path)} is out of range");
        }

        // 0.3 is a multiple of 0.1 to people, though not in binary.
        var quotient = number / (node.MultipleOf ?? 1);
        return node.MultipleOf is null || Math.Abs(quotient - Math.Round(quotient)) < 1e-9 * Math.Max(1, Math.Abs(quotient)) || Refused($"{Place(path)} is no multiple of what it must be");
    }

    private bool AreCombinationsValid(SchemaNode node, JsonElement value, string path, int depth)
    {
        foreach (var schema in node.AllOf)
        {
            if (!IsValid(schema, value, path, depth + 1))
            {
                return false;
            }
        }

        if (node.AnyOf.Count > 0 && !node.AnyOf.Any(schema => IsValidQuietly(schema, value, path, depth)))
        {
            return Refused($"{Place(path)} fits none of the alternatives");
        }

        if (node.OneOf.Count > 0)
        {
            var fitting = node.OneOf.Count(schema => IsValidQuietly(schema, value, path, depth));
            if (fitting != 1)
            {
                return Refused($"{Place(path)} fits {fitting} of the alternatives, not one");
            }
        }

        if (node.Not is { } not && IsValidQuietly(not, value, path, depth))
        {
            return Refused($"{Place(path)} is what it must not be");
        }

        if (node.If is { } condition && (node.Then ?? node.Else) is not null)
        {
            var branch = IsValidQuietly(condition, value, path, depth) ? node.Then : node.Else;
            return branch is null || IsValid(branch, value, path, depth + 1);
        }

        return true;
    }

    // A branch that is only tried leaves no problem behind.
    private bool IsValidQuietly(SchemaNode schema, JsonElement value, string path, int depth)
    {
        var before = _problem;
        _trials++;
        var isValid = IsValid(schema, value, path, depth + 1);
        _trials--;
        _problem = before;
        return isValid;
    }

    // Null: not known, which counts as a match; but in a branch that is only tried, a match may be what is refused.
    private bool? Matches(Regex? pattern, string text)
    {
        _work += text.Length / 64;
        try
        {
            if (pattern is not null)
            {
                return pattern.IsMatch(text);
            }
        }
        catch (RegexMatchTimeoutException)
        {
            _isUndecided = true;
        }

        _isUndecided |= _trials > 0;
        return null;
    }

    private bool Refused(string problem)
    {
        _problem ??= problem;
        return false;
    }

    private static string Place(string path) => path.Length == 0 ? "the whole" : path.TrimStart('.');

    private static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
