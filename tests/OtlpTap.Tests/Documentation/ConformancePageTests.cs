using System.Reflection;
using System.Text.RegularExpressions;
using OtlpTap.Tests.EndToEnd.Conformance;

namespace OtlpTap.Tests.Documentation;

/// <summary>docs/conformance.md has the rows of <see cref="Requirements"/>, each with the tests that show it.</summary>
public sealed partial class ConformancePageTests
{
    private static readonly ILookup<string, string> Tests = (
        from method in typeof(ConformanceTests).GetMethods()
        from shown in method.GetCustomAttributes<ShowsAttribute>()
        where method.GetCustomAttributes<FactAttribute>().Any()
        select (shown.Number, method.Name)).ToLookup(shown => shown.Number, shown => shown.Name);

    [Fact]
    public void The_page_has_a_row_for_every_requirement_and_names_its_tests()
    {
        var expected = Requirements.All.Select(requirement =>
            $"| {requirement.Number} | {requirement.Section} | {requirement.Text} | {requirement.How} | {string.Join("<br>", Tests[requirement.Number].Select(test => $"`{test}`"))} |");

        Assert.Equal(expected, Row().Matches(Markdown.Read("docs/conformance.md").Text).Select(row => row.Value));
    }

    [Fact]
    public void Every_requirement_has_a_test_and_every_test_shows_one_that_there_is()
    {
        Assert.Equal(24, Requirements.All.Count(requirement => !requirement.Number.StartsWith('C')));
        Assert.All(Requirements.All, requirement => Assert.NotEmpty(Tests[requirement.Number]));
        Assert.Empty(Tests.Select(test => test.Key).Except(Requirements.All.Select(requirement => requirement.Number)));
    }

    [GeneratedRegex(@"^\| C?\d+ \|.*\|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
