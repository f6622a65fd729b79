using System.CommandLine;
using System.Text.Json;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Logs.V1;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OtlpTap.Otlp;
using OtlpTap.Rules;
using OtlpTap.Rules.Expressions;

namespace OtlpTap.Cli;

/// <summary><c>otlptap try</c>: what conditions come to on every span, span event or log record of a payload.</summary>
internal static class TryCommand
{
    private const int Unusable = 2;

    /// <summary>A value nested deeper than some hundred lists is no telemetry; it would cost the stack.</summary>
    private const int RecursionMax = 400;

    public static Command Create()
    {
        var payload = new Argument<string>("PAYLOAD") { Description = "A captured request: serialized Export*ServiceRequest (*.pb), or OTLP/JSON (*.json)." };
        var context = new Option<string>("--context") { Description = "What the conditions are about: span, spanevent or log.", Required = true };
        context.AcceptOnlyFromAmong("span", "spanevent", "log");
        var condition = new Option<string[]>("--condition") { Description = "An OTTL condition. May be given several times." };
        var conditions = new Option<string?>("--conditions") { Description = "A file of conditions, one JSON string a line." };
        var output = new Option<string>("--output", "-o") { Description = "text, or json: one object a line for each condition.", DefaultValueFactory = _ => "text" };
        output.AcceptOnlyFromAmong("text", "json");
        var errorMode = new Option<string>("--error-mode")
        {
            Description = "What an error counts as: propagate shows it, ignore and silent make it false, with a word on standard error or without.",
            DefaultValueFactory = _ => "propagate",
        };
        errorMode.AcceptOnlyFromAmong("propagate", "ignore", "silent");
        var barePaths = new Option<bool>("--bare-paths") { Description = "Read attributes[\"x\"] as an attribute of the context itself, as older configurations of the Collector write it." };
        var command = new Command("try", "Try OTTL conditions on a captured payload: exits 0 whatever they come to, 2 for unreadable input.")
        {
            payload, context, condition, conditions, output, errorMode, barePaths,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(condition) is null == result.GetResult(conditions) is null)
            {
                result.AddError("Give either --condition or --conditions.");
            }
        });
        command.SetAction(parsed =>
        {
            var (ottlContext, signal) = parsed.GetValue(context) switch
            {
                "span" => (RuleContext.Span, Signal.Traces),
                "spanevent" => (RuleContext.SpanEvent, Signal.Traces),
                _ => (RuleContext.Log, Signal.Logs),
            };
            var trial = new ConditionTrial(ottlContext, parsed.GetValue(barePaths), ModeOf(parsed.GetValue(errorMode)), parsed.GetValue(output) == "json");
            var error = parsed.InvocationConfiguration.Error;
            if (!TryReadItems(parsed.GetValue(payload)!, ottlContext, signal, out var items, out var problem)
                || !TryReadConditions(parsed.GetValue(condition) ?? [], parsed.GetValue(conditions), out var texts, out problem))
            {
                error.WriteLine(problem);
                return Unusable;
            }

            trial.Run(texts, items, parsed.InvocationConfiguration.Output, error);
            return 0;
        });
        return command;
    }

    private static ErrorMode ModeOf(string? name) => name switch
    {
        "ignore" => ErrorMode.Ignore,
        "silent" => ErrorMode.Silent,
        _ => ErrorMode.Propagate,
    };

    private static bool TryReadItems(string file, RuleContext context, Signal signal, out List<TelemetryItem> items, out string problem)
    {
        items = [];
        if (!CapturedPayload.TryRead(file, signal, out var payload, out problem))
        {
            return false;
        }

        try
        {
            using var stream = new MemoryStream(payload!.Request);
            using var input = CodedInputStream.CreateWithLimits(stream, int.MaxValue, RecursionMax);
            items = [.. context switch
            {
                RuleContext.Span => TelemetryItem.SpansOf(ExportTraceServiceRequest.Parser.ParseFrom(input).ResourceSpans),
                RuleContext.SpanEvent => TelemetryItem.EventsOf(ExportTraceServiceRequest.Parser.ParseFrom(input).ResourceSpans),
                _ => TelemetryItem.LogsOf(ExportLogsServiceRequest.Parser.ParseFrom(input).ResourceLogs),
            }];
            return true;
        }
        catch (InvalidProtocolBufferException malformed)
        {
            problem = $"{file}: {malformed.Message}";
            return false;
        }
    }

    private static bool TryReadConditions(string[] given, string? file, out List<string> conditions, out string problem)
    {
        conditions = [.. given];
        problem = "";
        if (file is null)
        {
            return true;
        }

        try
        {
            var number = 0;
            foreach (var line in File.ReadLines(file))
            {
                number++;
                if (string.IsNullOrWhiteSpace(line))
                {
                    continue;
                }

                using var json = JsonDocument.Parse(line);
                if (json.RootElement.ValueKind != JsonValueKind.String)
                {
                    problem = $"{file}: line {number}: a condition is a JSON string";
                    return false;
                }

                conditions.Add(json.RootElement.GetString()!);
            }

            return true;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            problem = $"{file}: {unreadable.Message}";
            return false;
        }
    }
}
