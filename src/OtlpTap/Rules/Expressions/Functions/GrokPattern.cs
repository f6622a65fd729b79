using System.Text;
using System.Text.RegularExpressions;
using OtlpTap.Rules.Expressions.Texts;
using OtlpTap.Rules.Patterns;

namespace OtlpTap.Rules.Expressions.Functions;

/// <summary>
/// A regular expression with named parts: <c>%{NUMBER}</c>, <c>%{NUMBER:duration}</c>, <c>%{NUMBER:duration:float}</c>.
/// A part without a name of its own is named as its definition, unless only those with one are asked for.
/// </summary>
internal sealed partial class GrokPattern
{
    /// <summary>Group names have no points; this stands for one.</summary>
    private const string Point = "___";

    /// <summary>Definitions that refer to each other in a ring end here, as does what has grown beyond any use.</summary>
    private const int RoundsMax = 64;

    private const int LengthMax = 256 * 1024;

    private readonly CapturePattern _pattern;
    private readonly Dictionary<string, string> _types;
    private readonly bool _hasNames;
    private readonly bool _namedOnly;

    private GrokPattern(CapturePattern pattern, Dictionary<string, string> types, bool namedOnly)
    {
        _pattern = pattern;
        _types = types;
        _namedOnly = namedOnly;
        _hasNames = pattern.GroupNames.Any(name => name.Length > 0);
    }

    /// <summary>Null, and what is wrong.</summary>
    public static GrokPattern? Parse(string text, IReadOnlyDictionary<string, string> definitions, bool namedOnly, out string problem)
    {
        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var round = 0; round < RoundsMax; round++)
        {
            var parts = Reference().Matches(text);
            if (parts.Count == 0)
            {
                break;
            }

            foreach (var part in parts.Select(match => match.Groups[1].Value).Distinct())
            {
                var names = part.Split(':');
                if (!definitions.TryGetValue(names[0], out var definition) && !GrokDefinitions.All.TryGetValue(names[0], out definition))
                {
                    problem = $"The pattern {names[0]} is unknown{Ottl.Names.Suggest(names[0], GrokDefinitions.All.Keys)}";
                    return null;
                }

                var target = names.Length > 1 ? names[1].Replace(".", Point, StringComparison.Ordinal) : names[0];
                if (names.Length == 3)
                {
                    types[target] = names[2];
                }

                text = text.Replace("%{" + part + "}", namedOnly && names.Length == 1 ? $"({definition})" : $"(?P<{target}>{definition})", StringComparison.Ordinal);
                if (text.Length > LengthMax)
                {
                    problem = "The pattern is too large, or its definitions refer to each other in a ring.";
                    return null;
                }
            }
        }

        if (CapturePattern.Parse(text, out problem) is not { } pattern)
        {
            return null;
        }

        var grok = new GrokPattern(pattern, types, namedOnly);
        problem = "The pattern has no part with a name.";
        return namedOnly && !grok._hasNames ? null : grok;
    }

    /// <summary>A map of what the named parts matched; parts that matched nothing are left out.</summary>
    public Value Extract(string text)
    {
        if (_namedOnly && !_hasNames)
        {
            return new Failure("the pattern has no part with a name");
        }

        var groups = _pattern.Match(text, out var tooMuch);
        if (tooMuch)
        {
            return new Failure("the pattern takes too long on this text");
        }

        var entries = new Dictionary<string, Value>(StringComparer.Ordinal);
        for (var i = 0; i < (groups?.Length ?? 0); i++)
        {
            var name = _pattern.GroupNames[i];
            if (name.Length == 0 || groups![i].Length == 0)
            {
                continue;
            }

            var value = Typed(groups[i], _types.GetValueOrDefault(name, "string"));
            if (value is Failure)
            {
                return value;
            }

            entries[name.Replace(Point, ".", StringComparison.Ordinal)] = value;
        }

        return new MapValue([.. entries]);
    }

    private static Value Typed(string text, string type) => type switch
    {
        "string" => new TextValue(text),
        "int" or "long" when NumberText.TryParseInt(text, 10, out var number) => new IntValue(number),
        "float" or "double" when NumberText.TryParseDouble(text, out var number) => new DoubleValue(number),
        "bool" or "boolean" when NumberText.TryParseBool(text, out var boolean) => BoolValue.Of(boolean),
        _ => new Failure($"'{ByteText.ToDisplay(text)}' is no {type}"),
    };

    [GeneratedRegex(@"%\{([A-Za-z0-9_]+(?::[A-Za-z0-9_.]+(?::[A-Za-z0-9_]+)?)?)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();
}
