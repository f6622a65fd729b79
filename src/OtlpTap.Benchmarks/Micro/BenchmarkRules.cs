using OtlpTap.Rules;
using OtlpTap.Rules.Packs;

namespace OtlpTap.Benchmarks.Micro;

/// <summary>The rules in force while the scan is measured: all packs, as in a tap that nobody has configured.</summary>
internal static class BenchmarkRules
{
    public static CompiledRules Compile()
    {
        var problems = new List<RuleProblem>();
        var rules = RulePacks.Load([RulePacks.All], problems) ?? [];
        return CompiledRules.Compile(rules, problems) is { Count: > 0 } compiled
            ? compiled
            : throw new InvalidOperationException($"There are no rules to measure. {string.Join(' ', problems)}");
    }
}
