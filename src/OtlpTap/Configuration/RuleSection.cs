using System.Collections.Immutable;
using OtlpTap.Rules;

namespace OtlpTap.Configuration;

/// <summary>
/// <c>processors.tap.rules</c>: the operator's own rules, with the keys that a pack's rules have. Their conditions are
/// compiled by the Rules room.
/// </summary>
internal static class RuleSection
{
    /// <summary>Names and kinds become label values and attribute values: short, and nothing that needs quoting anywhere.</summary>
    public const int NameLengthMax = 64;

    public static ImmutableArray<Rule> Read(Section tap, string key, RuleTexts texts)
    {
        var rules = ImmutableArray.CreateBuilder<Rule>();
        var conditions = new List<Rule>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var section in tap.Maps(key))
        {
            if (ReadRule(section, texts, conditions) is { } rule)
            {
                rules.Add(rule);
                if (!lines.TryAdd(rule.Name, section.Mark.Line))
                {
                    section.Error("name", $"`{rule.Name}` is the name of the rule in line {lines[rule.Name]} already");
                }
            }
        }

        texts.Compile(conditions, tap.Problems);
        return rules.ToImmutable();
    }

    /// <param name="conditions">Gets the rule, or where its condition is a list one rule for each, so that what is wrong is shown at its place.</param>
    private static Rule? ReadRule(Section section, RuleTexts texts, List<Rule> conditions)
    {
        var isEnabled = section.Flag("enabled", byDefault: true);
        var name = section.RequiredText("name") is null ? null : Word(section, "name", isRequired: true);
        var failure = Word(section, "failure", isRequired: isEnabled);
        var severity = section.Choice("severity", RuleSeverity.Error, RuleSeverities.All);
        var context = Context(section);
        var condition = section.TextList("condition");
        var rule = new Rule(
            name ?? (section.Text("name") is { Length: > 0 } typed ? typed : section.Path),
            failure ?? "",
            context,
            Rule.AnyOf([.. (condition ?? []).Select(one => one.Text)]),
            Tag: section.Flag("tag", byDefault: true),
            Tee: section.Flag("tee", byDefault: true),
            Metric: section.Flag("metric", byDefault: true),
            Source: $"{section.Mark.File}:{section.Mark.Line}",
            Description: section.Text("description", ""),
            Severity: severity,
            IsEnabled: isEnabled)
        {
            Added = Attributes(section),
        };
        section.RefuseUnknownKeys();
        if (!IsThere(section, condition, isEnabled))
        {
            return isEnabled ? null : rule;
        }

        // Whatever else is wrong with the rule, its condition is looked at as well.
        AddConditions(section, rule, condition!.Value, texts, conditions);
        return rule;
    }

    /// <summary>A rule that is not in force needs none.</summary>
    private static bool IsThere(Section section, ImmutableArray<(string Text, Mark Mark)>? condition, bool isEnabled)
    {
        if (condition is { Length: > 0 } texts && texts.All(one => one.Text.Length > 0))
        {
            return true;
        }

        if (condition is { } given && given.Length > 0)
        {
            section.Error("condition", given.Length == 1 ? "must be set" : "one of them is empty");
        }
        else if (isEnabled && section.IsUnset("condition"))
        {
            section.Error("condition", "must be set");
        }

        return false;
    }

    private static void AddConditions(Section section, Rule rule, ImmutableArray<(string Text, Mark Mark)> condition, RuleTexts texts, List<Rule> conditions)
    {
        var node = section.Value("condition")!;
        if (node is not ConfigList list || list.Items.Length != condition.Length)
        {
            conditions.Add(rule);
            texts.Add(rule, section.PathOf("condition"), node);
            return;
        }

        for (var i = 0; i < condition.Length; i++)
        {
            var part = rule with { Condition = condition[i].Text };
            conditions.Add(part);
            texts.Add(part, $"{section.PathOf("condition")}[{i}]", list.Items[i]);
        }
    }

    private static RuleAttribute[] Attributes(Section section)
    {
        var attributes = section.FreeMap("attributes", isSecret: false);
        var added = new List<RuleAttribute>();
        foreach (var key in attributes.Keys)
        {
            if (attributes.Value(key) is not ConfigScalar value)
            {
                attributes.Error(key, "a text, a number, `true` or `false` is expected here");
            }
            else if (RuleAttribute.Problem(key, value.Text) is { } problem)
            {
                attributes.Error(key, problem);
            }
            else
            {
                added.Add(RuleAttribute.Parse(key, value.Text, isText: !value.IsPlain));
            }
        }

        if (added.Count > RuleAttribute.CountMax)
        {
            section.Error("attributes", $"a rule adds {RuleAttribute.CountMax} attributes at most, not {added.Count}");
        }

        return added.Count == 0 ? [] : [.. added];
    }

    private static string? Word(Section section, string key, bool isRequired)
    {
        var word = section.Text(key);
        if (string.IsNullOrEmpty(word))
        {
            if (isRequired && section.IsUnset(key))
            {
                section.Error(key, "must be set");
            }

            return null;
        }

        var isWord = word.Length <= NameLengthMax;
        foreach (var character in word)
        {
            isWord &= char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.';
        }

        if (!isWord)
        {
            section.Error(key, $"up to {NameLengthMax} letters, digits, `_`, `-` and `.` are expected here: it becomes an attribute and a label");
            return null;
        }

        return word;
    }

    private static RuleContext Context(Section section) =>
        section.Choice("context", RuleContext.Span, [("span", RuleContext.Span), ("spanevent", RuleContext.SpanEvent), ("log", RuleContext.Log)]);
}
