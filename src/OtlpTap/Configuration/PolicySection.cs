using System.Collections.Immutable;
using OtlpTap.Advice;
using OtlpTap.Advice.Conditions;
using OtlpTap.Judges;

namespace OtlpTap.Configuration;

/// <summary>One of <c>processors.tap.advice.policies</c>.</summary>
internal static class PolicySection
{
    private const int ParametersMax = 16;
    private const int TextCharactersMax = 1024;

    private static readonly string[] RequiredKeys = ["when", "advice"];

    /// <param name="shipped">The policy of that name that comes with the tap, whose settings hold where nothing else is said.</param>
    /// <param name="names">What values can be of.</param>
    public static Policy? Read(Section section, string name, Policy? shipped, ComingNames names)
    {
        var condition = ReadCondition(section, "when", name, names) ?? shipped?.Condition;
        var advice = ReadWord(section, "advice", section.Text("advice")) ?? shipped?.Advice;
        WarnOfMisspelt(section, "advice", section.Text("advice") ?? "", Policy.Words);
        RequireUnlessShipped(section, name, shipped);
        var isNamed = name.Length > 0 && ReadWord(section, "name", name) is not null;
        var scope = ReadScope(section.Map("scope"), condition);
        var parameters = ReadParameters(section, "parameters");
        var reason = ReadReason(section, "reason") ?? shipped?.Reason ?? "";
        var timing = ReadTiming(section, shipped?.Timing ?? new HysteresisOptions());
        section.Refuse(["keep_firing_for"], "is `cool_down` here");
        section.Refuse(["hold"], "is `for` here: how long the condition must hold; `cool_down` says how long it must not");
        section.RefuseUnknownKeys();
        return !isNamed || condition is null || advice is null ? null : new Policy
        {
            Name = name,
            Condition = condition,
            Advice = advice,
            Scope = scope,
            Parameters = shipped is not null && section.IsUnset("parameters") ? shipped.Parameters : parameters,
            Reason = reason,
            Timing = timing,
        };
    }

    private static void RequireUnlessShipped(Section section, string name, Policy? shipped)
    {
        string[] missing = shipped is null ? [.. RequiredKeys.Where(section.IsUnset)] : [];
        if (missing.Length > 0 && NearestName.Find(name, DefaultPolicies.All.Select(policy => policy.Name)) is { } nearest)
        {
            section.Error("name", $"no shipped policy is named `{name}`; did you mean `{nearest}`? One of your own needs `when` and `advice`");
            return;
        }

        foreach (var key in missing)
        {
            section.Error(key, "must be set");
        }
    }

    // Words of the operator's own are allowed: what only looks like a known one is told of.
    private static void WarnOfMisspelt(Section section, string key, string word, IReadOnlyList<string> known)
    {
        if (NearestName.FindMisspelt(word, known) is { } nearest)
        {
            section.Warning(key, $"`{word}` is a word of your own; did you mean `{nearest}`?");
        }
    }

    private static PolicyCondition? ReadCondition(Section section, string key, string policy, ComingNames names)
    {
        if (section.Text(key) is not { Length: > 0 } text)
        {
            return null;
        }

        var problems = new List<ConditionProblem>();
        var condition = PolicyCondition.Parse(text, problems);
        foreach (var problem in problems)
        {
            section.Problems.ErrorIn(section.Value(key)!, section.PathOf(key), "condition", problem.Line, problem.Column, $"policy `{policy}`: {problem.Message}");
        }

        for (var i = 0; i < condition?.Values.Length; i++)
        {
            if (names.Look(condition.Values[i]) is var (severity, message))
            {
                var place = ConditionProblem.At(text, condition.Offsets[i], $"policy `{policy}`: `{condition.Names[i]}`: {message}");
                section.Problems.AddIn(severity, section.Value(key)!, section.PathOf(key), "condition", place.Line, place.Column, place.Message);
            }
        }

        return condition;
    }

    private static ScopeFilter ReadScope(Section section, PolicyCondition? condition)
    {
        var filter = new ScopeFilter
        {
            Service = new NameFilter(section.Text("service", "")),
            Agent = new NameFilter(section.Text("agent", "")),
            Tool = new NameFilter(section.Text("tool", "")),
            Model = new NameFilter(section.Text("model", "")),
        };
        section.RefuseUnknownKeys();
        if (condition is not null)
        {
            RefuseOther(section, "tool", filter.Tool, condition.Level, Level.Tool);
            RefuseOther(section, "model", filter.Model, condition.Level, Level.Model);
        }

        return filter;
    }

    // A policy that no scope is ever admitted to would be silent for ever.
    private static void RefuseOther(Section section, string key, NameFilter filter, Level level, Level needed)
    {
        if (filter.Pattern.Length > 0 && level != needed)
        {
            section.Error(key, $"the condition is evaluated for each {Name(level)}, never for a {Name(needed)}: `when` must name a value of it");
        }
    }

    private static string Name(Level level) => level switch
    {
        Level.Tool => "tool",
        Level.Model => "model",
        _ => "agent",
    };

    private static ImmutableSortedDictionary<string, string> ReadParameters(Section section, string key)
    {
        var given = section.FreeMap(key, isSecret: false);
        var parameters = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var name in given.Keys)
        {
            if (!AnswerText.IsKind(name))
            {
                given.KeyError(name, $"up to {RuleSection.NameLengthMax} letters, digits, `_`, `-` and `.` are expected here");
            }
            else if (given.Value(name) is not ConfigScalar value)
            {
                given.Error(name, "a text, a number, `true` or `false` is expected here");
            }
            else if (value.Text.Length > TextCharactersMax)
            {
                given.Error(name, $"a parameter has {TextCharactersMax} characters at most");
            }
            else
            {
                parameters[name] = value.Text;
                WarnOfMisspelt(given, name, name, FallbackTargets.Parameters);
            }
        }

        if (parameters.Count > ParametersMax)
        {
            section.Error(key, $"there are {ParametersMax} parameters at most, not {parameters.Count}");
        }

        return parameters.ToImmutable();
    }

    private static string? ReadReason(Section section, string key)
    {
        var reason = section.Text(key);
        if (reason is null)
        {
            return null;
        }

        if (reason.Length > TextCharactersMax)
        {
            section.Error(key, $"a reason has {TextCharactersMax} characters at most");
        }

        foreach (var part in reason.Split('{').Skip(1))
        {
            var name = part.Split('}')[0];
            if (!AdviceReason.Placeholders.Contains(name))
            {
                section.Error(key, $"`{{{name}}}` stands for nothing: {string.Join(", ", AdviceReason.Placeholders.Select(placeholder => $"`{{{placeholder}}}`"))} do");
            }
        }

        return reason;
    }

    private static HysteresisOptions ReadTiming(Section section, HysteresisOptions defaults)
    {
        var timing = new HysteresisOptions
        {
            For = section.Duration("for", defaults.For, TimeSpan.Zero, TimeSpan.FromHours(1)),
            CoolDown = section.Duration("cool_down", defaults.CoolDown, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)),
            CoolDownMax = section.Duration("max_cool_down", defaults.CoolDownMax, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)),
        };
        if (timing.CoolDownMax >= timing.CoolDown)
        {
            return timing;
        }

        if (section.Has("max_cool_down"))
        {
            section.Error("max_cool_down", "must not be shorter than `cool_down`");
        }

        return timing with { CoolDownMax = timing.CoolDown };
    }

    private static string? ReadWord(Section section, string key, string? word)
    {
        if (string.IsNullOrEmpty(word) || AnswerText.IsKind(word))
        {
            return word is "" ? null : word;
        }

        section.Error(key, $"up to {RuleSection.NameLengthMax} letters, digits, `_`, `-` and `.` are expected here: it becomes an attribute and a label");
        return null;
    }
}
