using System.Reflection;
using OtlpTap.Corpus;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace OtlpTap.Testing;

/// <summary>
/// Gives every case of a folder that OtlpTap wrote to a theory with one parameter of type <see cref="RegressionCase"/>.
/// Cases that cannot be run again are skipped with the reason.
/// </summary>
/// <param name="directory">The folder of cases; a relative one is looked for in the test's output folder and in each folder above it.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class RegressionCorpusAttribute(string directory) : DataAttribute
{
    /// <summary>The folder of cases, as it was given.</summary>
    public string Directory { get; } = directory;

    /// <summary>Which cases, by status and separated by commas: <c>open</c>, <c>fixed</c>, <c>regressed</c>, <c>muted</c>, <c>expected</c>. Default: what must not fail.</summary>
    public string Status { get; init; } = "open,fixed,regressed";

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        var root = Find(Directory) ?? throw new DirectoryNotFoundException($"{Directory}: no such folder in {AppContext.BaseDirectory} or above it");
        var statuses = Status.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var rows = new List<ITheoryDataRow>();
        foreach (var listing in new CaseStore(root, TimeProvider.System).List())
        {
            if (listing.Problem is { } problem)
            {
                throw new InvalidDataException(problem);
            }

            if (statuses.Contains(listing.Life.Status.Name()))
            {
                var one = RegressionCase.Open(listing.Path, out var notReplayable);
                rows.Add(new TheoryDataRow<RegressionCase>(one) { Skip = notReplayable });
            }
        }

        return new ValueTask<IReadOnlyCollection<ITheoryDataRow>>(rows);
    }

    /// <summary>Cases come and go with production: they are found when tests run.</summary>
    public override bool SupportsDiscoveryEnumeration() => true;

    private static string? Find(string directory)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var candidate = Path.Combine(folder.FullName, directory);
            if (System.IO.Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }
}
