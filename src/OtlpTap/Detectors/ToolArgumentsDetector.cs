using System.Text.Json;
using OtlpTap.Detectors.Schema;
using OtlpTap.Runs;
using OtlpTap.Verdicts;

namespace OtlpTap.Detectors;

/// <summary>
/// A model called a tool with arguments that are no JSON, that the tool's JSON Schema refuses, or that the tool itself refused.
/// On the model's call.
/// </summary>
internal sealed class ToolArgumentsDetector : IDetector
{
    private static readonly (string Aspect, string Text) NoJson = ("no_json", "are no JSON");

    public string Name => "tool_arguments";

    public void Examine(AgentRun run, DetectionContext context)
    {
        var schemas = new Dictionary<string, ToolSchema?>(StringComparer.Ordinal);
        var schemaTexts = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var tool in run.Steps.SelectMany(static step => step.OfferedTools ?? []))
            {
                if (tool.ParametersSchema is { Length: > 0 } schema)
                {
                    schemaTexts.TryAdd(tool.Name, schema);
                }
            }

            foreach (var call in context.Calls.All)
            {
                if (context.IsTimeOver)
                {
                    return;
                }

                // Cut off in the middle: that is what went wrong.
                if (call.Caller.FinishReason != "length" && Problem(call, schemaTexts, schemas, context) is var (aspect, problem))
                {
                    context.FoundAbout(call.Caller, FailureKind.PlanningError, $"The model called \"{call.Name}\" with arguments that {problem}.", call.Name, aspect, call.Arguments ?? "");
                }
            }
        }
        finally
        {
            foreach (var schema in schemas.Values)
            {
                schema?.Dispose();
            }
        }
    }

    private static (string Aspect, string Text)? Problem(ToolCall call, Dictionary<string, string> schemaTexts, Dictionary<string, ToolSchema?> schemas, DetectionContext context)
    {
        var arguments = call.Arguments;
        if (string.IsNullOrWhiteSpace(arguments) || arguments.Trim() is "null" or "{}" && RefusedByTool(call, context) is null && !HasSchema(call, schemaTexts))
        {
            return null; // not recorded, or of a tool that takes none
        }

        using var document = JsonText.Parse(arguments, out var isBroken);
        if (isBroken)
        {
            return NoJson;
        }

        if (document is null)
        {
            return null; // too long or too deep to be looked at
        }

        var value = document.RootElement;
        if (value.ValueKind == JsonValueKind.String)
        {
            // Frameworks write a JSON string for what they could not parse, or for all arguments.
            using var inner = JsonText.Parse(value.GetString()!, out var isInnerBroken);
            return isInnerBroken && value.GetString()!.AsSpan().TrimStart() is ['{' or '[', ..] ? NoJson
                : inner is { RootElement.ValueKind: JsonValueKind.Object } ? SchemaProblem(call, inner.RootElement, schemaTexts, schemas) ?? RefusedByTool(call, context)
                : RefusedByTool(call, context);
        }

        return SchemaProblem(call, value, schemaTexts, schemas) ?? RefusedByTool(call, context);
    }

    private static bool HasSchema(ToolCall call, Dictionary<string, string> schemaTexts) => SchemaTextOf(call, schemaTexts) is not null;

    private static string? SchemaTextOf(ToolCall call, Dictionary<string, string> schemaTexts)
    {
        if (call.Name is not { } name)
        {
            return null;
        }

        foreach (var tool in call.Caller.OfferedTools ?? [])
        {
            if (tool.Name == name && tool.ParametersSchema is { Length: > 0 } own)
            {
                return own;
            }
        }

        return schemaTexts.GetValueOrDefault(name);
    }

    private static (string Aspect, string Text)? SchemaProblem(ToolCall call, JsonElement value, Dictionary<string, string> schemaTexts, Dictionary<string, ToolSchema?> schemas)
    {
        // null for no arguments at all is how some frameworks record them.
        if (value.ValueKind == JsonValueKind.Null || SchemaTextOf(call, schemaTexts) is not { } text)
        {
            return null;
        }

        if (!schemas.TryGetValue(text, out var schema))
        {
            schemas[text] = schema = ToolSchema.Read(text);
        }

        return schema?.Refuses(value, out var problem) == true ? ("schema", $"its schema refuses: {problem}") : null;
    }

    // The tool, or the framework before it, says so; or a rule has said it of the tool's span.
    private static (string Aspect, string Text)? RefusedByTool(ToolCall call, DetectionContext context) =>
        call.Outcome == ResultKind.BadArguments || (call.Execution is { } execution && context.IsKnownByRule(execution.SpanId, FailureKind.PlanningError) && call.Outcome != ResultKind.UnknownTool)
            ? ("refused", "the tool refused")
            : null;
}
