using System.Text;

namespace OtlpTap.Configuration;

/// <summary>
/// Replaces <c>${env:NAME}</c>, <c>${NAME}</c> and <c>${env:NAME:-default}</c> in every value, and <c>$$</c> by <c>$</c>, as
/// the Collector does: an unset name without a default is a warning and empty; a value that is one reference and
/// nothing else takes the type its text has as YAML. A value from the environment is not searched again.
/// </summary>
internal sealed class EnvironmentSubstitution(Func<string, string?> environment, ProblemList problems)
{
    // ${A:-${B:-${C}}}: deeper than three is a mistake, and the method is recursive.
    private const int NestingMax = 8;

    /// <summary>All values with a <c>$</c> together, so that aliases and variables cannot multiply a file beyond reason.</summary>
    private const int ExpandedLengthMax = 8 << 20;

    private int _expandedLength;

    public ConfigMap Apply(ConfigMap map, string path = "") =>
        map with { Entries = [.. map.Entries.Select(entry => entry with { Value = Apply(entry.Value, path.Length == 0 ? entry.Key : $"{path}.{entry.Key}") })] };

    private ConfigNode Apply(ConfigNode node, string path) => node switch
    {
        ConfigMap map => Apply(map, path),
        ConfigList list => list with { Items = [.. list.Items.Select((item, index) => Apply(item, $"{path}[{index}]"))] },
        ConfigScalar scalar when scalar.Text.Contains('$', StringComparison.Ordinal) => Apply(scalar, path),
        _ => node,
    };

    private ConfigNode Apply(ConfigScalar scalar, string path)
    {
        if (Expand(scalar.Text, scalar.Mark, path, nesting: 0) is not { } text)
        {
            return new ConfigInvalid(scalar.Mark);
        }

        _expandedLength += text.Length;
        if (_expandedLength > ExpandedLengthMax)
        {
            problems.Error(scalar.Mark, "", $"more than {ExpandedLengthMax} characters once the variables are in place");
            return new ConfigInvalid(scalar.Mark);
        }

        if (!IsOneReference(scalar.Text))
        {
            return text == scalar.Text ? scalar : scalar with { Text = text, InnerOffset = -1 };
        }

        // Invalid YAML in a variable is text: only a key that asks for more will mind.
        var silent = new ProblemList();
        return YamlReader.Read(scalar.Mark.File, text, silent) switch
        {
            (ConfigMap or ConfigList) and var structure when !silent.HasErrors => new ConfigStructuredText(scalar.Mark, text, MovedTo(scalar.Mark, structure)),
            ConfigScalar { IsPlain: false } quoted => new ConfigScalar(scalar.Mark, quoted.Text, IsPlain: false, InnerOffset: -1),
            _ => new ConfigScalar(scalar.Mark, text, IsPlain: true, InnerOffset: -1),
        };
    }

    // What came from a variable stands nowhere in the file but at the reference.
    private static ConfigNode MovedTo(Mark mark, ConfigNode node) => node switch
    {
        ConfigMap map => new ConfigMap(mark, [.. map.Entries.Select(entry => new ConfigEntry(entry.Key, mark, MovedTo(mark, entry.Value)))]),
        ConfigList list => new ConfigList(mark, [.. list.Items.Select(item => MovedTo(mark, item))]),
        ConfigScalar scalar => scalar with { Mark = mark, InnerOffset = -1 },
        _ => node,
    };

    // Null after an error, which has been reported.
    private string? Expand(string text, Mark mark, string path, int nesting)
    {
        var result = new StringBuilder();
        var ends = EndsOfReferences(text);
        var i = 0;
        while (i < text.Length && result.Length <= ExpandedLengthMax)
        {
            if (text[i] == '$' && i + 1 < text.Length && text[i + 1] == '$')
            {
                result.Append('$');
                i += 2;
            }
            else if (ends.TryGetValue(i, out var end))
            {
                if (Value(text[(i + 2)..end], mark, path, nesting) is not { } value)
                {
                    return null;
                }

                result.Append(value);
                i = end + 1;
            }
            else
            {
                result.Append(text[i++]);
            }
        }

        return result.ToString();
    }

    private string? Value(string reference, Mark mark, string path, int nesting)
    {
        var defaultAt = reference.IndexOf(":-", StringComparison.Ordinal);
        var name = defaultAt < 0 ? reference : reference[..defaultAt];
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0 && name[..colon] != "env")
        {
            problems.Error(mark, path, $"`${{{name[..colon]}:...}}` is not supported: values come from the environment, as `${{env:NAME}}`");
            return null;
        }

        name = name[(colon + 1)..];
        if (!IsName(name))
        {
            problems.Error(mark, path, $"`{name}` is no name of an environment variable (letters, digits and `_`, no digit first)");
            return null;
        }

        // A variable that is set to nothing is set, so its default is not taken.
        var value = environment(name);
        if (value is not null)
        {
            return value;
        }

        if (defaultAt < 0)
        {
            problems.Warning(mark, path, $"the environment variable {name} is not set and has no default (`${{env:{name}:-default}}`): taken as empty");
            return "";
        }

        if (nesting == NestingMax)
        {
            problems.Error(mark, path, $"references nested deeper than {NestingMax}");
            return null;
        }

        return Expand(reference[(defaultAt + 2)..], mark, path, nesting + 1);
    }

    private static bool IsOneReference(string text) => EndsOfReferences(text).TryGetValue(0, out var end) && end == text.Length - 1;

    // For each "${" that is closed, the index of its brace. One pass for the whole text: looking for the end at each
    // opening would cost the square of the length of a text of nothing but openings.
    private static Dictionary<int, int> EndsOfReferences(string text)
    {
        var ends = new Dictionary<int, int>();
        var open = new Stack<int>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '$' && i + 1 < text.Length && text[i + 1] == '{')
            {
                open.Push(i++);
            }
            else if (text[i] == '}' && open.TryPop(out var start))
            {
                ends[start] = i;
            }
        }

        return ends;
    }

    private static bool IsName(string name)
    {
        var isName = name.Length > 0 && !char.IsAsciiDigit(name[0]);
        foreach (var character in name)
        {
            isName &= char.IsAsciiLetterOrDigit(character) || character == '_';
        }

        return isName;
    }
}
