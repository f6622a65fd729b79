using System.Reflection;

namespace OtlpTap.Rules.Packs;

/// <summary>The packs that come with the tap.</summary>
internal static class RulePacks
{
    /// <summary>In place of names: every pack.</summary>
    public const string All = "all";

    /// <summary>In place of names: no pack.</summary>
    public const string None = "none";

    private const string Folder = "packs/";
    private const string Extension = ".yaml";

    /// <summary>In the order in which their rules stand.</summary>
    public static IReadOnlyList<string> Names =>
    [
        .. Resources.GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(name => name[Folder.Length..^Extension.Length])
            .Order(StringComparer.Ordinal),
    ];

    private static Assembly Resources => typeof(RulePacks).Assembly;

    /// <summary>The rules of the packs of those names, each pack once; null when problems were added.</summary>
    public static IReadOnlyList<Rule>? Load(IReadOnlyCollection<string> names, List<RuleProblem> problems)
    {
        var before = problems.Count;
        var rules = new List<Rule>();
        foreach (var name in Resolve(names, problems))
        {
            using var yaml = new StreamReader(Resources.GetManifestResourceStream(Folder + name + Extension)!);
            if (RulePackReader.Read(Folder + name + Extension, yaml, problems) is { } pack)
            {
                rules.AddRange(pack.Rules);
            }
        }

        return problems.Count == before ? rules : null;
    }

    /// <summary>The packs' rules and the user's: one of the same name takes the place of the pack's, the others follow. Those that are switched off are left out.</summary>
    public static IReadOnlyList<Rule> Override(IReadOnlyList<Rule> packRules, IReadOnlyList<Rule> userRules)
    {
        var merged = new List<Rule>(packRules);
        foreach (var rule in userRules)
        {
            var replaced = packRules.ToList().FindIndex(other => other.Name == rule.Name);
            if (replaced >= 0 && merged[replaced] == packRules[replaced])
            {
                merged[replaced] = rule;
            }
            else
            {
                merged.Add(rule);
            }
        }

        return [.. merged.Where(rule => rule.IsEnabled)];
    }

    private static List<string> Resolve(IReadOnlyCollection<string> names, List<RuleProblem> problems)
    {
        var resolved = new List<string>();
        foreach (var name in names)
        {
            switch (name)
            {
                case None:
                    if (names.Count > 1)
                    {
                        problems.Add(new RuleProblem("packs", 1, 1, $"{None} stands alone."));
                    }

                    break;
                case All:
                    resolved.AddRange(Names);
                    break;
                case var one when Names.Contains(one):
                    resolved.Add(one);
                    break;
                default:
                    problems.Add(new RuleProblem("packs", 1, 1, $"There is no pack {name}{Ottl.Names.Suggest(name, Names)} Known are {string.Join(", ", Names)}, {All} and {None}."));
                    break;
            }
        }

        return [.. resolved.Distinct()];
    }
}
