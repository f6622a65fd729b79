using System.Collections.Immutable;
using OtlpTap.Advice;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.advice</c>.</summary>
internal static class AdviceSection
{
    /// <summary>Each is evaluated at every scope it fits, twice a second.</summary>
    private const int PoliciesMax = 100;

    private const int TargetsMax = 1000;
    private const int TargetCharactersMax = 1024;

    /// <param name="tap">Read but for its advice: whether there are values for conditions to be true of, and which.</param>
    public static AdviceOptions Read(Section advice, TapProcessorOptions tap)
    {
        if (!tap.Health.IsEnabled && !advice.IsUnset("policies"))
        {
            advice.KeyWarning("policies", "no advice is ever given with `health.enabled: false`");
        }

        var defaults = new AdviceOptions();
        var hasDefaults = advice.Flag("defaults", byDefault: true);
        var policies = ReadPolicies(advice, "policies", hasDefaults ? DefaultPolicies.All : [], new ComingNames(tap));
        var fallbacks = ReadFallbacks(advice.Map("fallbacks"));
        var options = defaults with
        {
            Holdout = advice.Real("holdout", defaults.Holdout, 0, 1),
            Interval = advice.Duration("interval", defaults.Interval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            ActiveMax = advice.Number("max_active", defaults.ActiveMax, 1, 10_000),
            Policies = [.. policies.Select(policy => policy.Advice == Policy.Reroute ? policy with { Fallbacks = fallbacks } : policy)],
            Effect = EffectSection.Read(advice.Map("effect")),
        };
        advice.RefuseUnknownKeys();
        return options;
    }

    private static FallbackTargets ReadFallbacks(Section fallbacks)
    {
        var targets = new FallbackTargets { Tools = ReadTargets(fallbacks, "tools", "tool"), Models = ReadTargets(fallbacks, "models", "model") };
        fallbacks.RefuseUnknownKeys();
        return targets;
    }

    private static ImmutableSortedDictionary<string, string> ReadTargets(Section fallbacks, string key, string what)
    {
        var given = fallbacks.FreeMap(key, isSecret: false);
        var targets = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var name in given.Keys)
        {
            if (name.Length == 0 || given.Value(name) is not ConfigScalar { Text.Length: > 0 and <= TargetCharactersMax } target)
            {
                given.Error(name, $"the name of a {what} is expected here, of up to {TargetCharactersMax} characters");
            }
            else if (target.Text == name)
            {
                given.Error(name, $"a {what} is no fallback for itself");
            }
            else
            {
                targets[name] = target.Text;
            }
        }

        if (targets.Count > TargetsMax)
        {
            fallbacks.Error(key, $"there are {TargetsMax} fallbacks at most, not {targets.Count}");
        }

        return targets.ToImmutable();
    }

    /// <param name="shipped">In force unless one of the same name takes their place.</param>
    private static ImmutableArray<Policy> ReadPolicies(Section advice, string key, ImmutableArray<Policy> shipped, ComingNames names)
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
            var policy = PolicySection.Read(section, name, DefaultPolicies.All.FirstOrDefault(policy => policy.Name == name), names);
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
