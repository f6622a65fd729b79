using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OtlpTap.Rules.Packs;

/// <summary>
/// Reads a pack:
/// <code>
///   pack: genai
///   description: what it is for
///   define:                         # parts of conditions, inserted where @name stands outside a string
///     failed: span.status.code == STATUS_CODE_ERROR
///   rules:
///     - name: genai_tool_error      # unique; a user's rule of the same name takes its place
///       failure: tool_error
///       context: span               # span (default), spanevent or log
///       severity: error             # info, warning, error (default) or critical
///       condition: '@failed and ...'  # or a list, of which any may be true
///       tag: true                   # default true, as tee and metric
///       attributes: { team: search }  # to add where it tags
///       enabled: true               # false leaves it out
///       description: what a match means
/// </code>
/// All problems are reported at once; unknown keys are among them.
/// </summary>
internal sealed class RulePackReader
{
    private static readonly string[] PackKeys = ["pack", "description", "define", "rules"];
    private static readonly string[] RuleKeys = ["name", "failure", "severity", "context", "condition", "tag", "tee", "metric", "attributes", "enabled", "description"];

    private readonly string _file;
    private readonly List<RuleProblem> _problems;
    private readonly Dictionary<string, string> _definitions = [];

    private RulePackReader(string file, List<RuleProblem> problems)
    {
        _file = file;
        _problems = problems;
    }

    /// <summary>Null when problems were added. The conditions are not looked at here.</summary>
    public static RulePack? Read(string file, TextReader yaml, List<RuleProblem> problems)
    {
        var before = problems.Count;
        var pack = new RulePackReader(file, problems).Read(yaml);
        return problems.Count == before ? pack : null;
    }

    private RulePack? Read(TextReader yaml)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(yaml);
        }
        catch (YamlException error)
        {
            _problems.Add(new RuleProblem(_file, (int)error.Start.Line, (int)error.Start.Column, error.Message));
            return null;
        }

        if (stream.Documents is not [{ RootNode: YamlMappingNode root }])
        {
            _problems.Add(new RuleProblem(_file, 1, 1, "A pack is one map with the keys pack, description, define and rules."));
            return null;
        }

        CheckKeys(root, PackKeys);
        var name = RequiredText(root, "pack");
        var description = Text(root, "description") ?? "";
        ReadDefinitions(root);

        var rules = new List<Rule>();
        if (Child(root, "rules") is YamlSequenceNode list)
        {
            foreach (var node in list.Children)
            {
                if (ReadRule(node) is { } rule)
                {
                    rules.Add(rule);
                }
            }
        }
        else
        {
            Problem(root, "rules is missing or no list.");
        }

        return new RulePack(name, description, rules);
    }

    private void ReadDefinitions(YamlMappingNode root)
    {
        switch (Child(root, "define"))
        {
            case null:
                return;
            case YamlMappingNode map:
                foreach (var (key, value) in map.Children)
                {
                    // A definition may use those before it.
                    if (value is YamlScalarNode text && Expand(text, text.Value ?? "") is { } expanded)
                    {
                        _definitions[key.ToString()] = expanded;
                    }
                }

                return;
            case var other:
                Problem(other, "define is a map of names to parts of conditions.");
                return;
        }
    }

    private Rule? ReadRule(YamlNode node)
    {
        if (node is not YamlMappingNode map)
        {
            Problem(node, "A rule is a map.");
            return null;
        }

        CheckKeys(map, RuleKeys);
        var name = RequiredText(map, "name");
        var failure = RequiredText(map, "failure");
        var conditionNode = Child(map, "condition") ?? map;
        var condition = ReadCondition(map);
        return new Rule(
            name,
            failure,
            ReadContext(map),
            condition,
            ReadSwitch(map, "tag"),
            ReadSwitch(map, "tee"),
            ReadSwitch(map, "metric"),
            $"{_file}:{conditionNode.Start.Line}",
            Text(map, "description") ?? "",
            ReadSeverity(map),
            ReadSwitch(map, "enabled"))
        {
            Added = ReadAttributes(map),
        };
    }

    /// <summary>Conditions of a list are joined by <c>or</c>.</summary>
    private string ReadCondition(YamlMappingNode map)
    {
        if (Child(map, "condition") is not YamlSequenceNode { Children.Count: > 0 } list)
        {
            var condition = RequiredText(map, "condition");
            return Expand(Child(map, "condition") ?? map, condition) ?? condition;
        }

        var parts = new List<string>();
        foreach (var node in list.Children)
        {
            if (node is YamlScalarNode { Value.Length: > 0 } text)
            {
                parts.Add(Expand(node, text.Value) ?? text.Value);
            }
            else
            {
                Problem(node, "condition is a text, or a list of texts.");
            }
        }

        return Rule.AnyOf(parts);
    }

    private RuleSeverity ReadSeverity(YamlMappingNode map)
    {
        if (Text(map, "severity") is not { } name)
        {
            return RuleSeverity.Error;
        }

        if (RuleSeverities.TryParse(name, out var severity))
        {
            return severity;
        }

        Problem(Child(map, "severity")!, $"The severity is info, warning, error or critical, not {name}.");
        return RuleSeverity.Error;
    }

    private RuleAttribute[] ReadAttributes(YamlMappingNode map)
    {
        switch (Child(map, "attributes"))
        {
            case null:
                return [];
            case YamlMappingNode attributes:
                var added = new List<RuleAttribute>();
                foreach (var (key, node) in attributes.Children)
                {
                    var name = key.ToString();
                    if (node is not YamlScalarNode { Value: { } value } scalar)
                    {
                        Problem(node, $"attributes.{name} is a text, number or boolean.");
                    }
                    else if (RuleAttribute.Problem(name, value) is { } problem)
                    {
                        Problem(node, $"attributes.{name}: {problem}.");
                    }
                    else
                    {
                        added.Add(RuleAttribute.Parse(name, value, isText: scalar.Style != ScalarStyle.Plain));
                    }
                }

                return [.. added];
            case var other:
                Problem(other, "attributes is a map of keys to values.");
                return [];
        }
    }

    private RuleContext ReadContext(YamlMappingNode map)
    {
        switch (Text(map, "context"))
        {
            case null or "span":
                return RuleContext.Span;
            case "spanevent":
                return RuleContext.SpanEvent;
            case "log":
                return RuleContext.Log;
            case var other:
                Problem(Child(map, "context")!, $"The context is span, spanevent or log, not {other}.");
                return RuleContext.Span;
        }
    }

    private bool ReadSwitch(YamlMappingNode map, string key)
    {
        switch (Text(map, key))
        {
            case null or "true":
                return true;
            case "false":
                return false;
            default:
                Problem(Child(map, key)!, $"{key} is true or false.");
                return true;
        }
    }

    /// <summary>Null when a name is not defined.</summary>
    private string? Expand(YamlNode node, string condition)
    {
        var expanded = new System.Text.StringBuilder();
        var isString = false;
        for (var i = 0; i < condition.Length; i++)
        {
            var next = condition[i];
            if (isString && next == '\\' && i + 1 < condition.Length)
            {
                expanded.Append(next).Append(condition[++i]);
                continue;
            }

            isString ^= next == '"';
            if (isString || next != '@')
            {
                expanded.Append(next);
                continue;
            }

            var end = i + 1;
            while (end < condition.Length && (char.IsAsciiLetterOrDigit(condition[end]) || condition[end] == '_'))
            {
                end++;
            }

            var name = condition[(i + 1)..end];
            if (!_definitions.TryGetValue(name, out var definition))
            {
                Problem(node, $"@{name} is not defined{Ottl.Names.Suggest(name, _definitions.Keys)}");
                return null;
            }

            expanded.Append('(').Append(definition).Append(')');
            i = end - 1;
        }

        return expanded.ToString();
    }

    private void CheckKeys(YamlMappingNode map, string[] known)
    {
        foreach (var (key, _) in map.Children)
        {
            var name = key.ToString();
            if (Array.IndexOf(known, name) < 0)
            {
                Problem(key, $"The key {name} is unknown{Ottl.Names.Suggest(name, known)}");
            }
        }
    }

    private string RequiredText(YamlMappingNode map, string key)
    {
        var text = Text(map, key);
        if (string.IsNullOrWhiteSpace(text))
        {
            Problem(map, $"{key} is missing.");
        }

        return text ?? "";
    }

    private string? Text(YamlMappingNode map, string key)
    {
        switch (Child(map, key))
        {
            case null:
                return null;
            case YamlScalarNode scalar:
                return scalar.Value;
            case var other:
                Problem(other, $"{key} is a text.");
                return null;
        }
    }

    private static YamlNode? Child(YamlMappingNode map, string key)
    {
        foreach (var (name, value) in map.Children)
        {
            if (name is YamlScalarNode scalar && scalar.Value == key)
            {
                return value;
            }
        }

        return null;
    }

    private void Problem(YamlNode node, string message) =>
        _problems.Add(new RuleProblem(_file, (int)node.Start.Line, (int)node.Start.Column, message));
}
