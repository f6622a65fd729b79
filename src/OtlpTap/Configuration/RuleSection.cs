using System.Collections.Immutable;
using OtlpTap.Rules;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.rules</c>: the operator's own rules. Their conditions are compiled by the Rules room.</summary>
internal static class RuleSection
{
    /// <summary>Names and kinds become label values and attribute values: short, and nothing that needs quoting anywhere.</summary>
    public const int NameLengthMax = 64;

    public static ImmutableArray<Rule> Read(Section tap, string key, RuleTexts texts)
    {
        var rules = ImmutableArray.CreateBuilder<Rule>();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var section in tap.Maps(key))
        {
            if (ReadRule(section, texts) is { } rule)
            {
                rules.Add(rule);
                if (!lines.TryAdd(rule.Name, section.Mark.Line))
                {
                    section.Error("name", $"`{rule.Name}` is the name of the rule in line {lines[rule.Name]} already");
                }
            }
        }

        var read = rules.ToImmutable();
        texts.Compile(read, tap.Problems);
        return read;
    }

    private static Rule? ReadRule(Section section, RuleTexts texts)
    {
        var name = Word(section, "name");
        var failure = Word(section, "failure");
        var condition = section.RequiredText("condition");
        var context = Context(section);
        var rule = new Rule(
            name ?? (section.Text("name") is { Length: > 0 } typed ? typed : section.Path),
            failure ?? "",
            context,
            condition ?? "",
            Tag: section.Flag("tag", byDefault: true),
            Tee: section.Flag("tee", byDefault: true),
            Metric: section.Flag("metric", byDefault: true),
            Source: $"{section.Mark.File}:{section.Mark.Line}",
            Description: section.Text("description", ""));
        section.RefuseUnknownKeys();
        if (condition is null)
        {
            return null;
        }

        // Whatever else is wrong with the rule, its condition is looked at as well.
        texts.Add(rule, section.PathOf("condition"), section.Value("condition")!);
        return rule;
    }

    private static string? Word(Section section, string key)
    {
        var word = section.RequiredText(key);
        if (word is null)
        {
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
