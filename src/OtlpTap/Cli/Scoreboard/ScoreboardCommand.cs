using System.CommandLine;
using OtlpTap.Configuration;

namespace OtlpTap.Cli.Scoreboard;

/// <summary><c>otlptap scoreboard FOLDER...</c>: precision and recall of rules and detectors over captured scenarios whose failures are known.</summary>
internal static class ScoreboardCommand
{
    private const int Unreadable = 2;

    public static Command Create()
    {
        var folders = new Argument<string[]>("FOLDER")
        {
            Description = "Folders that hold, at any depth, NAME.expected.json (what is known) beside the captured requests that it names.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--output", "-o") { Description = "markdown or json.", DefaultValueFactory = _ => "markdown" };
        output.AcceptOnlyFromAmong("markdown", "json");
        var remarks = new Option<bool>("--remarks") { Description = "Also name each failure that was missed, wrong, or found on another span." };
        var config = ConfigOption.Create();
        var command = new Command("scoreboard", "Precision, recall and F1 of what the tap finds in captured scenarios, by kind of failure and by instrumentation.") { folders, output, remarks, config };
        command.SetAction(parsed =>
        {
            var error = parsed.InvocationConfiguration.Error;
            var loaded = new ConfigurationLoader().Load(parsed.GetValue(config) ?? []);
            foreach (var problem in loaded.Problems)
            {
                error.WriteLine(problem);
            }

            return loaded.Options is { } options
                ? Run(options, parsed.GetValue(folders) ?? [], parsed.GetValue(output) == "json", parsed.GetValue(remarks), parsed.InvocationConfiguration.Output, error)
                : Unreadable;
        });
        return command;
    }

    /// <summary>The verdicts of <c>otlptap inspect</c> on a scenario's files, as one stream.</summary>
    /// <exception cref="ScenarioException">A file cannot be read.</exception>
    public static IReadOnlyList<InspectVerdict> Inspect(TapOptions options, LabelledScenario scenario)
    {
        var inspection = new Inspection(options.Rules, options.Processor);
        var verdicts = new List<InspectVerdict>();
        foreach (var file in scenario.Files)
        {
            if (!CapturedPayload.TryRead(file, null, out var payload, out var problem) || !inspection.TryInspect(payload!, out var found, out problem))
            {
                throw new ScenarioException(problem);
            }

            verdicts.AddRange(found);
        }

        verdicts.AddRange(inspection.JudgeAll());
        return verdicts;
    }

    private static int Run(TapOptions options, string[] folders, bool asJson, bool withRemarks, TextWriter output, TextWriter error)
    {
        try
        {
            var scenarios = folders.SelectMany(ScenariosIn).ToList();
            if (scenarios.Count == 0)
            {
                error.WriteLine($"{string.Join(", ", folders)}: holds no *{LabelledScenario.FileEnd}");
                return Unreadable;
            }

            var score = Score.Of(scenarios, scenario => Inspect(options, scenario));
            output.Write(asJson ? ScoreTables.Json(score) : ScoreTables.Markdown(score));
            if (withRemarks && !asJson)
            {
                output.WriteLine();
                score.Remarks.ForEach(output.WriteLine);
            }

            return 0;
        }
        catch (ScenarioException unusable)
        {
            error.WriteLine(unusable.Message);
            return Unreadable;
        }
    }

    private static IEnumerable<LabelledScenario> ScenariosIn(string folder) => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder, $"*{LabelledScenario.FileEnd}", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(LabelledScenario.Read)
        : throw new ScenarioException($"{folder}: no such folder");
}
