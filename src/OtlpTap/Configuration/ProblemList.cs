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

    /// <summary>
    /// A problem at a line and column of a text, both from 1. Where the text stands in the file character by character the place
    /// is exact; in a block, in a folded or escaped text and in a variable it is the text's start, and the message says where in
    /// it.
    /// </summary>
    /// <param name="what">What the message calls the text.</param>
    public void ErrorIn(ConfigNode text, string path, string what, int line, int column, string message) => AddIn(Severity.Error, text, path, what, line, column, message);

    /// <summary>In the order in which the files were named and the operator wrote them.</summary>
    public ImmutableArray<Problem> InOrderOf(IReadOnlyList<string> files)
    {
        var order = files.Select((file, index) => (file, index)).DistinctBy(pair => pair.file).ToDictionary(pair => pair.file, pair => pair.index, StringComparer.Ordinal);
        return [.. _problems.OrderBy(problem => order.GetValueOrDefault(problem.Mark.File)).ThenBy(problem => problem.Mark.Line).ThenBy(problem => problem.Mark.Column)];
    }

    /// <inheritdoc cref="ErrorIn"/>
    public void AddIn(Severity severity, ConfigNode text, string path, string what, int line, int column, string message) =>
        Add(text is ConfigScalar { InnerOffset: >= 0 and var offset } && line == 1
            ? new Problem(severity, text.Mark with { Column = text.Mark.Column + offset + column - 1 }, path, message)
            : new Problem(severity, text.Mark, path, $"in line {line}, column {column} of the {what}: {message}"));

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
