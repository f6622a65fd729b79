using System.Collections.Immutable;
using OtlpTap.Advice;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.advice</c>.</summary>
internal static class AdviceSection
{
    /// <summary>Each is evaluated at every scope it fits, twice a second.</summary>
    private const int PoliciesMax = 100;

    /// <param name="hasHealth">Whether there are values for conditions to be true of.</param>
    public static AdviceOptions Read(Section advice, bool hasHealth)
    {
        if (!hasHealth && !advice.IsUnset("policies"))
        {
            advice.KeyWarning("policies", "no advice is ever given with `health.enabled: false`");
        }

        var defaults = new AdviceOptions();
        var hasDefaults = advice.Flag("defaults", byDefault: true);
        var policies = ReadPolicies(advice, "policies", hasDefaults ? DefaultPolicies.All : []);
        var options = defaults with
        {
            Holdout = advice.Real("holdout", defaults.Holdout, 0, 1),
            Interval = advice.Duration("interval", defaults.Interval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            ActiveMax = advice.Number("max_active", defaults.ActiveMax, 1, 10_000),
            Policies = policies,
            Effect = EffectSection.Read(advice.Map("effect")),
        };
        advice.RefuseUnknownKeys();
        return options;
    }

    /// <param name="shipped">In force unless one of the same name takes their place.</param>
    private static ImmutableArray<Policy> ReadPolicies(Section advice, string key, ImmutableArray<Policy> shipped)
    {
        var policies = shipped.ToDictionary(policy => policy.Name, StringComparer.Ordinal);
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var section in advice.Maps(key))
        {
            var name = section.RequiredText("name") ?? "";
            if (!lines.TryAdd(name, section.Mark.Line) && name.Length > 0)
            {
                section.Error("name", $"`{name}` is the name of the policy in line {lines[name]} already");
            }

            var isEnabled = section.Flag("enabled", byDefault: true);
            var policy = PolicySection.Read(section, name, DefaultPolicies.All.FirstOrDefault(policy => policy.Name == name));
            if (policy is not null && isEnabled)
            {
                policies[name] = policy;
            }
            else
            {
                policies.Remove(name);
            }
        }

        if (lines.Count > PoliciesMax)
        {
            advice.Error(key, $"there are {PoliciesMax} policies at most, not {lines.Count}");
        }

        return [.. policies.Values];
    }
}
