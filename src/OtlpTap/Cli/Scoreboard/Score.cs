namespace OtlpTap.Cli.Scoreboard;

/// <summary>
/// What the tap finds in scenarios against what is known of them. A trace and a kind of failure make one question: is it
/// there. Kinds that no scenario of the whole set is labelled with are not asked about, since nobody knows; nor are labels
/// that the payload does not show. Failures that only repeat another one do not count.
/// </summary>
internal sealed class Score
{
    private readonly HashSet<string> _kinds;
    private readonly SortedDictionary<string, Tally> _byKind = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Tally> _byInstrumentation = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Tally> _byPlace = new(StringComparer.Ordinal);

    private Score(HashSet<string> kinds) => _kinds = kinds;

    /// <summary>Of each kind; what text alone shows stands apart as <c>KIND (text)</c>.</summary>
    public IReadOnlyDictionary<string, Tally> ByKind => _byKind;

    public IReadOnlyDictionary<string, Tally> ByInstrumentation => _byInstrumentation;

    /// <summary>By where a label shows: found is a verdict of its kind on its very span, wrong stays 0.</summary>
    public IReadOnlyDictionary<string, Tally> ByPlace => _byPlace;

    /// <summary>Everything that is structured: all that does not show in natural language alone.</summary>
    public Tally Visible { get; private set; }

    /// <summary>Hallucinations that natural language alone shows. Wrong: hallucinations that are none, by whatever detector.</summary>
    public Tally TextOnly { get; private set; }

    /// <summary>What was missed or wrong, a line each.</summary>
    public List<string> Remarks { get; } = [];

    public int Scenarios { get; private set; }

    /// <param name="inspect">The verdicts of the tap on a scenario.</param>
    public static Score Of(IReadOnlyCollection<LabelledScenario> scenarios, Func<LabelledScenario, IReadOnlyList<InspectVerdict>> inspect)
    {
        var score = new Score([.. scenarios.SelectMany(scenario => scenario.TraceLabels)]);
        foreach (var scenario in scenarios)
        {
            score.Add(scenario, inspect(scenario));
        }

        return score;
    }

    private void Add(LabelledScenario scenario, IReadOnlyList<InspectVerdict> verdicts)
    {
        Scenarios++;
        var said = verdicts.Select(verdict => verdict.Failure).Where(_kinds.Contains).ToHashSet();
        var shown = scenario.Shown;
        foreach (var kind in shown.Order(StringComparer.Ordinal))
        {
            var isFound = said.Contains(kind);
            Count(scenario, kind, scenario.IsTextOnly(kind), isFound ? new Tally(1, 0, 0) : new Tally(0, 1, 0));
            if (!isFound)
            {
                Remarks.Add($"missed: {kind} in {scenario.Name}");
            }
        }

        foreach (var kind in said.Where(kind => !scenario.TraceLabels.Contains(kind)).Order(StringComparer.Ordinal))
        {
            if (shown.Count == 0 && scenario.TraceLabels.Count > 0)
            {
                // The scenario failed, and its payload does not show how: what it shows instead is no mistake, nor a merit.
                Remarks.Add($"instead: {kind} in {scenario.Name}, which is {string.Join(", ", scenario.TraceLabels)} without showing it");
                continue;
            }

            var wrong = verdicts.Where(verdict => verdict.Failure == kind).SelectMany(verdict => verdict.Rules).Distinct();
            Count(scenario, kind, isTextOnly: kind == Verdicts.FailureKind.Hallucination && verdicts.Where(verdict => verdict.Failure == kind).All(verdict => verdict.Source == Verdicts.VerdictSource.Detector), new Tally(0, 0, 1));
            Remarks.Add($"wrong: {kind} in {scenario.Name} by {string.Join(", ", wrong)}");
        }

        foreach (var label in scenario.SpanLabels)
        {
            var isOnSpan = verdicts.Any(verdict => verdict.Failure == label.Failure && verdict.SpanId == label.SpanId);
            Bump(_byPlace, label.VisibleIn, isOnSpan ? new Tally(1, 0, 0) : new Tally(0, 1, 0));
            if (!isOnSpan && label.VisibleIn != SpanLabel.None && said.Contains(label.Failure))
            {
                Remarks.Add($"elsewhere: {label.Failure} in {scenario.Name}, not on span {label.SpanId}");
            }
        }
    }

    private void Count(LabelledScenario scenario, string kind, bool isTextOnly, Tally tally)
    {
        Bump(_byKind, isTextOnly ? $"{kind} ({SpanLabel.Text})" : kind, tally);
        Bump(_byInstrumentation, scenario.Instrumentation, tally);
        if (isTextOnly)
        {
            TextOnly += tally;
        }
        else
        {
            Visible += tally;
        }
    }

    private static void Bump(SortedDictionary<string, Tally> tallies, string key, Tally tally) =>
        tallies[key] = tallies.GetValueOrDefault(key) + tally;
}
