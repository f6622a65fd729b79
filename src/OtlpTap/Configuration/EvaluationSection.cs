using System.Collections.Immutable;
using OtlpTap.Evaluations;
using OtlpTap.Judges;

namespace OtlpTap.Configuration;

/// <summary><c>processors.tap.evaluations</c>.</summary>
internal static class EvaluationSection
{
    // Larger scales are nobody's.
    private const double ThresholdMax = 1_000_000;

    public static EvaluationOptions Read(Section evaluations)
    {
        var defaults = new EvaluationOptions();
        var options = defaults with { IsEnabled = evaluations.Flag("enabled", defaults.IsEnabled), Metrics = ReadMetrics(evaluations, "metrics") };
        evaluations.RefuseUnknownKeys();
        return options;
    }

    private static string? ReadFailure(Section section, string key)
    {
        var word = section.Text(key);
        if (word is null || AnswerText.IsKind(word))
        {
            return word;
        }

        section.Error(key, $"up to {RuleSection.NameLengthMax} letters, digits, `_`, `-` and `.` are expected here: it becomes an attribute and a label");
        return null;
    }

    private static ImmutableDictionary<string, MetricOverride> ReadMetrics(Section evaluations, string key)
    {
        var metrics = ImmutableDictionary.CreateBuilder<string, MetricOverride>(StringComparer.Ordinal);
        foreach (var (name, section) in evaluations.NamedMaps(key))
        {
            var metric = new MetricOverride(
                section.Choice("good", GoodEnd.Unknown, [("high", GoodEnd.High), ("low", GoodEnd.Low)]),
                section.OptionalReal("threshold", null, -ThresholdMax, ThresholdMax),
                ReadFailure(section, "failure"));
            section.RefuseUnknownKeys();
            var spelling = MetricName.Normalise(name);
            if (spelling.Length == 0)
            {
                section.Problems.Error(section.Mark, section.Path, "is no name of a metric: it has no letter and no digit");
            }
            else if (!metrics.TryAdd(spelling, metric))
            {
                section.Problems.Error(section.Mark, section.Path, $"is a metric before this one in another spelling: both are `{spelling}`");
            }
        }

        return metrics.ToImmutable();
    }
}
