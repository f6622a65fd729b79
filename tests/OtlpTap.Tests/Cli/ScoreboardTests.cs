using OtlpTap.Cli.Scoreboard;
using OtlpTap.Configuration;
using OtlpTap.Tests.Documentation;

namespace OtlpTap.Tests.Cli;

/// <summary>
/// What the tap finds in runs whose failures are known: captured ones, and ones that we described after the conventions of
/// instrumentations of which there is no capture. The page holds the figures; below these floors it is a regression.
/// </summary>
public sealed class ScoreboardTests(ITestOutputHelper output)
{
    private const string Page = "docs/scoreboard.md";
    private const string Captured = "fixtures";
    private const string Described = "fixtures-described";

    [Fact]
    public void Nearly_all_that_captured_runs_show_in_their_structure_is_found_and_next_to_nothing_else()
    {
        var score = ScoreOf(Captured);

        Assert.True(score.Visible.Expected >= 139, $"{score.Visible.Expected} expected");
        Assert.True(score.Visible.Recall >= 0.98, $"{score.Visible.Recall}");
        Assert.True(score.Visible.Precision >= 0.98, $"{score.Visible.Precision}");
    }

    [Fact]
    public void Most_hallucinations_that_only_the_text_of_captured_runs_shows_are_found()
    {
        var score = ScoreOf(Captured);

        Assert.True(score.TextOnly.Expected >= 13, $"{score.TextOnly.Expected} expected");
        Assert.True(score.TextOnly.Recall >= 0.85, $"{score.TextOnly.Recall}");
        Assert.True(score.TextOnly.Precision >= 0.9, $"{score.TextOnly.Precision}");
    }

    [Fact]
    public void Described_runs_of_other_instrumentations_and_other_stories_are_judged_as_well()
    {
        var score = ScoreOf(Described);

        Assert.True(score.Visible.Expected >= 171, $"{score.Visible.Expected} expected");
        Assert.True(score.Visible is { Recall: >= 0.98, Precision: >= 0.98 }, $"{score.Visible}");
        Assert.True(score.TextOnly is { Recall: >= 0.9, Precision: >= 0.9 }, $"{score.TextOnly}");
    }

    [Fact]
    public void At_least_as_many_described_runs_only_look_as_if_they_failed()
    {
        var healthy = Directory.GetFiles(Folder(Described), "healthy-*.expected.json", SearchOption.AllDirectories);

        Assert.True(healthy.Length >= 40, $"{healthy.Length}");
    }

    [Theory]
    [InlineData(Captured)]
    [InlineData(Described)]
    public void The_page_has_what_the_command_prints(string set)
    {
        var printed = ScoreTables.Markdown(ScoreOf(set));

        Assert.True(Markdown.Read(Page).Text.Contains(printed, StringComparison.Ordinal), $"{Page} is not what `otlptap scoreboard tests/OtlpTap.Tests/{set}` prints:\n{printed}");
    }

    private Score ScoreOf(string set)
    {
        var scenarios = Directory.EnumerateFiles(Folder(set), $"*{LabelledScenario.FileEnd}", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(LabelledScenario.Read).ToList();
        var options = new ConfigurationLoader().Load([]).Options!;
        var score = Score.Of(scenarios, scenario => ScoreboardCommand.Inspect(options, scenario));
        score.Remarks.ForEach(output.WriteLine);
        return score;
    }

    private static string Folder(string set) => Path.Combine(AppContext.BaseDirectory, set);
}
