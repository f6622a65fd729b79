using System.CommandLine;
using OtlpTap.Configuration;
using OtlpTap.Otlp;

namespace OtlpTap.Cli;

/// <summary><c>otlptap inspect FILE...</c>: which spans of captured payloads rules and detectors call failing, and why.</summary>
internal static class InspectCommand
{
    private const int Unreadable = 2;

    public static Command Create()
    {
        var files = new Argument<string[]>("FILE")
        {
            Description = "Captured requests: serialized Export*ServiceRequest (*.otlp.pb), or OTLP/JSON (*.json). Files named together are one stream.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string>("--output", "-o") { Description = "text, or json: one object a line for each verdict.", DefaultValueFactory = _ => "text" };
        output.AcceptOnlyFromAmong("text", "json");
        var signal = new Option<string?>("--signal") { Description = "traces or logs, where the file name does not say it (NAME.traces.otlp.pb, NAME.logs.otlp.json)." };
        signal.AcceptOnlyFromAmong("traces", "logs");
        var config = ConfigOption.Create();
        var command = new Command("inspect", "A dry run of rules and detectors over captured payloads: exits 0 whether or not something was found, 2 for unreadable input.") { files, output, signal, config };
        command.SetAction(parsed =>
        {
            var error = parsed.InvocationConfiguration.Error;
            var loaded = new ConfigurationLoader().Load(parsed.GetValue(config) ?? []);
            foreach (var problem in loaded.Problems)
            {
                error.WriteLine(problem);
            }

            return loaded.Options is { } options
                ? Run(options, parsed.GetValue(files) ?? [], SignalOf(parsed.GetValue(signal)), parsed.GetValue(output) == "json", parsed.InvocationConfiguration.Output, error)
                : Unreadable;
        });
        return command;
    }

    private static Signal? SignalOf(string? name) => name switch
    {
        "traces" => Signal.Traces,
        "logs" => Signal.Logs,
        _ => null,
    };

    private static int Run(TapOptions options, string[] files, Signal? signal, bool asJson, TextWriter output, TextWriter error)
    {
        // Everything is read before anything is printed: a program that reads the output gets all of it or nothing.
        var inspection = new Inspection(options.Rules, options.Processor);
        var verdicts = new List<InspectVerdict>();
        var readable = true;
        foreach (var file in files)
        {
            if (CapturedPayload.TryRead(file, signal, out var payload, out var problem) && inspection.TryInspect(payload!, out var found, out problem))
            {
                verdicts.AddRange(found);
            }
            else
            {
                error.WriteLine(problem);
                readable = false;
            }
        }

        if (!readable)
        {
            return Unreadable;
        }

        verdicts.AddRange(inspection.JudgeAll());
        foreach (var verdict in verdicts)
        {
            output.WriteLine(asJson ? InspectOutput.Json(verdict) : InspectOutput.Text(verdict));
        }

        if (!asJson)
        {
            output.WriteLine($"{Count(verdicts.Count, "verdict")} on {Count(inspection.SpanCount, "span")}.");
        }

        return 0;
    }

    private static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";
}
