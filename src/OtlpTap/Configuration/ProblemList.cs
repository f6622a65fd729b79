using System.Collections.Immutable;

namespace OtlpTap.Configuration;

/// <summary>Everything found wrong so far. Bounded: a file of nonsense must not become a screen of a million lines.</summary>
internal sealed class ProblemList
{
    /// <summary>More than anybody corrects in one go.</summary>
    public const int CountMax = 100;

    private readonly List<Problem> _problems = [];
    private readonly HashSet<Problem> _seen = [];

    public bool HasErrors { get; private set; }

    public void Error(Mark mark, string path, string message) => Add(new Problem(Severity.Error, mark, path, message));

    public void Warning(Mark mark, string path, string message) => Add(new Problem(Severity.Warning, mark, path, message));

    /// <summary>In the order in which the files were named and the operator wrote them.</summary>
    public ImmutableArray<Problem> InOrderOf(IReadOnlyList<string> files)
    {
        var order = files.Select((file, index) => (file, index)).DistinctBy(pair => pair.file).ToDictionary(pair => pair.file, pair => pair.index, StringComparer.Ordinal);
        return [.. _problems.OrderBy(problem => order.GetValueOrDefault(problem.Mark.File)).ThenBy(problem => problem.Mark.Line).ThenBy(problem => problem.Mark.Column)];
    }

    private void Add(Problem problem)
    {
        // The first error is kept whatever came before it: warnings alone would let the tap start.
        var isFirstError = problem.Severity == Severity.Error && !HasErrors;
        HasErrors |= problem.Severity == Severity.Error;

        // An aliased node is read once for each place that names it.
        if ((_problems.Count < CountMax || isFirstError) && _seen.Add(problem))
        {
            _problems.Add(problem);
        }
    }
}
